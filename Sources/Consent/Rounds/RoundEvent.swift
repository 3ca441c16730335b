// What the ledger records about training, in clear: no payload here holds or depends on a customer's data.

import WireFormat

/// The payload of a leaf of category round.
public enum RoundEvent: WireMessage, Hashable {
    /// A round started.
    case opened(RoundOpened)
    /// A node fixed its eligible set.
    case cohortCommitted(CohortCommitted)
    /// Privacy budget was charged.
    case budgetCharged(BudgetCharged)
    /// A model came out.
    case modelReleased(ModelReleased)
    /// A round ended without a model.
    case voided(RoundVoided)

    /// The message's name in the CDDL.
    public static let messageName = "round-event"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        switch self {
        case .opened(let event): .message((1, .unsigned(1)), (2, event.cborValue))
        case .cohortCommitted(let event): .message((1, .unsigned(2)), (2, event.cborValue))
        case .budgetCharged(let event): .message((1, .unsigned(3)), (2, event.cborValue))
        case .modelReleased(let event): .message((1, .unsigned(4)), (2, event.cborValue))
        case .voided(let event): .message((1, .unsigned(5)), (2, event.cborValue))
        }
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        switch try fields.unsigned(1, "type", in: 1...5) {
        case 1: self = .opened(try fields.message(2, "event"))
        case 2: self = .cohortCommitted(try fields.message(2, "event"))
        case 3: self = .budgetCharged(try fields.message(2, "event"))
        case 4: self = .modelReleased(try fields.message(2, "event"))
        default: self = .voided(try fields.message(2, "event"))
        }
    }
}

extension RoundEvent {
    /// The round that the record is about.
    public var round: RoundReference {
        switch self {
        case .opened(let event): event.round
        case .cohortCommitted(let event): event.commitment.attempt.round
        case .budgetCharged(let event): event.attempt.round
        case .modelReleased(let event): event.attempt.round
        case .voided(let event): event.attempt.round
        }
    }
}
