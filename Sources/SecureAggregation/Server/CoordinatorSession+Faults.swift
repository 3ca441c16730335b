// What a session can prove about the parties in it. Pure functions of accepted messages: the shell stores what they return.

import Cryptography
import MerkleLog

extension CoordinatorSession {
    /// What a share check needs of one accepted upload: who dealt, and the leaf of a member. Nil for a node that has not
    /// uploaded, or a position that does not exist.
    public func shareCheck(position: Int, holder: Int) -> ShownShare? {
        guard uploads[position] != nil, register.committee.indices.contains(holder),
            let opening = package(position: position, alive: true).opening(of: holder)
        else { return nil }
        return ShownShare(deal: deal(position: position, alive: true), opening: opening)
    }

    /// The deal of one accepted upload.
    public func uploadDeal(position: Int) -> Deal? {
        uploads[position] == nil ? nil : deal(position: position, alive: true)
    }

    /// Evidence against every dealer whose shares join to something else than it signed. Once ``unmaskPlan()`` refused for a
    /// bad share, this names all who are to blame, so that each of them costs one round and not one after the other.
    public func dealerFaults() -> [FaultEvidence] {
        guard let survivors else { return [] }
        var faults: [FaultEvidence] = []
        for position in goodShares.indices where goodShares[position].count >= register.quorum {
            let alive = survivors.alive[position]
            let deal = deal(position: position, alive: alive)
            guard let shares = try? goodShares[position].shares() else { continue }
            let secret = try? ShamirSharing.join(shares, threshold: register.quorum)
            if let secret, deal.isKept(by: secret) { continue }
            let package = package(position: position, alive: alive)
            let tree = package.tree
            let exhibits = shares.sorted { $0.position < $1.position }.map { share in
                ShareExhibit(
                    holder: share.position, opening: package.opening(of: share.position, in: tree),
                    share: share.share.rawRepresentation.unprotectedCopy())
            }
            faults.append(evidence(of: .inconsistentDeal(deal, shares: exhibits)))
        }
        return faults
    }

    /// Evidence against a member whose reveal holds a share that is not the one its dealer committed to. An honest member
    /// compares before it reveals, and leaves the place empty.
    public func fault(in reveal: SignedMessage<Reveal>) -> FaultEvidence? {
        guard let survivors, let holder = register.committeePosition(of: reveal.body.node),
            let request = revealRequest(for: reveal.body.node), reveal.body.shares.count == request.items.count
        else { return nil }
        for (position, bytes) in reveal.body.shares.enumerated() where !bytes.isEmpty {
            let item = request.items[position]
            if let context = item.deal.context, let share = try? SecretShare(SecretBytes(copying: bytes)),
                item.opening.matches(share, context: context, holder: holder)
            {
                continue
            }
            let tree = request.itemTree
            guard let proof = try? tree.inclusionProof(index: position, size: tree.count) else { return nil }
            return evidence(
                of: .falseShare(
                    reveal,
                    FalseShareExhibit(
                        position: position, item: item, itemRoot: tree.root, path: proof.hashes,
                        bitmapDigest: SHA256.hash(survivors.bitmap))))
        }
        return nil
    }

    /// Evidence against a member that votes for another survivor set than it voted for before.
    public func fault(in vote: SignedMessage<LabelVote>) -> FaultEvidence? {
        guard let first = acceptedVote(of: vote.body.node) else { return nil }
        let evidence = evidence(of: .doubleVote(first, vote))
        // Anybody may post a vote in a member's name; only the member's own signature proves anything.
        guard (try? evidence.verify(register: register, coordinatorKey: nil)) != nil else { return nil }
        return evidence
    }

    /// Evidence of a fault in this session, with what binds it to the register.
    private func evidence(of fault: Fault) -> FaultEvidence {
        FaultEvidence(registerDigest: register.digest, fault: fault, session: parameters.body, epoch: epoch.head)
    }
}
