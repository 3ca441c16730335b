// The shares that were opened of one secret. A coordinator holds n · l of them at once, so they are packed: an object of its own
// for each would take more memory than the share.

import Cryptography

/// Good shares of one secret, in the order in which they came.
struct OpenedShares: Sendable {
    private var holders: [UInt32] = []
    private var packed: [SecretBytes] = []
    private var loose: [SecretShare] = []

    /// Shares that are packed together.
    private static let packSize = 16

    /// Shares so far.
    var count: Int { holders.count }

    /// Takes a share.
    /// - Parameters:
    ///   - holder: its committee position.
    ///   - isLast: whether no other will come.
    mutating func append(_ share: SecretShare, of holder: Int, isLast: Bool) {
        holders.append(UInt32(truncatingIfNeeded: holder))
        loose.append(share)
        guard isLast || loose.count == Self.packSize else { return }
        packed.append(SecretBytes(concatenating: loose.map(\.rawRepresentation)))
        loose = []
    }

    /// The shares with their committee positions.
    /// - Throws: ``SecureAggregationError/malformed(_:)``; never for what was taken.
    func shares() throws(SecureAggregationError) -> [(position: Int, share: SecretShare)] {
        var shares: [SecretShare] = []
        shares.reserveCapacity(count)
        for pack in packed {
            for start in stride(from: 0, to: pack.count, by: SecretShare.byteCount) {
                let bytes = SecretBytes(count: SecretShare.byteCount) { (output: inout MutableSpan<UInt8>) in
                    pack.withSpan { span in
                        for index in 0..<SecretShare.byteCount { output[index] = span[start + index] }
                    }
                }
                shares.append(try SecretShare(bytes))
            }
        }
        return zip(holders, shares + loose).map { (Int($0), $1) }
    }
}
