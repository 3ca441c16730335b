// The ledger's records about itself, in clear.

import WireFormat

/// The payload of a leaf of category system.
public enum SystemEvent: WireMessage, Hashable {
    /// A view was issued: the record `view_root`.
    case viewRoot(ViewStatement)

    /// The message's name in the CDDL.
    public static let messageName = "system-event"

    /// The message as a CBOR map with numbered fields.
    public var cborValue: CBORValue {
        switch self {
        case .viewRoot(let statement): .message((1, .unsigned(1)), (2, statement.cborValue))
        }
    }

    /// Reads the message from its fields.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        _ = try fields.unsigned(1, "type", in: 1...1)
        self = .viewRoot(try fields.message(2, "event"))
    }
}
