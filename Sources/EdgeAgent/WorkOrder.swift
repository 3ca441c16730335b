// What a turn does first. Votes and reveals are short and a round waits for each; an offer ends with its reply slot; share
// checks can take long and nothing waits for them.

import Rounds

/// The work of one turn, in the order in which it is done.
struct WorkOrder {
    /// Votes, reveals, offers, and then share checks, listed once at most. Within a kind as the coordinator listed them.
    let items: [WorkItem]
    /// Messages of share checks that this turn asks for: one beside other work, so that a turn ends soon and the next list is
    /// asked for; without other work so many that what was dealt is checked before uploads close.
    let checkBatches: Int

    /// Orders a list.
    /// - Parameter takesOffers: whether offers are answered; they are left out otherwise.
    init(_ listed: [WorkItem], takesOffers: Bool) {
        func items(_ kind: WorkItem.Kind) -> [WorkItem] { listed.filter { $0.kind == kind } }
        let rounds = items(.vote) + items(.reveal) + (takesOffers ? items(.offer) : [])
        self.items = rounds + items(.shareCheck).prefix(1)
        checkBatches = rounds.isEmpty ? 8 : 1
    }
}
