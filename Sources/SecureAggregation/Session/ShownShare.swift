// What a committee member is shown of one share, to check it or to open it.

import WireFormat

/// A deal, and the member's leaf under the root that its dealer signed.
public struct ShownShare: WireMessage {
    /// The message's name in the CDDL.
    public static let messageName = "shown-share"

    /// Signed by its dealer.
    public let deal: Deal
    /// The member's leaf under the deal's root.
    public let opening: SharePackage.Opening

    /// Pairs a deal with a leaf.
    public init(deal: Deal, opening: SharePackage.Opening) {
        self.deal = deal
        self.opening = opening
    }

    /// The message as CBOR.
    public var cborValue: CBORValue { .message((1, deal.cborValue), (2, opening.cborValue)) }

    /// Reads a shown share, unverified.
    /// - Throws: ``WireFormatError``.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        deal = try fields.message(1, "deal")
        opening = try fields.message(2, "opening")
    }
}
