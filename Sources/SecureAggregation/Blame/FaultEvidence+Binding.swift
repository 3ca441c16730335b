// What ties evidence to the register it is judged under. Dealers and members sign the name of a session or of an epoch and no
// register; the session's parameters and the epoch's head, both hashed into those names, say which one they had.

import Cryptography

extension FaultEvidence {
    /// Throws unless the deal and the reveal that are shown were signed under `register`.
    ///
    /// An honest party signs the name of a session or an epoch only after it compared the register in it with its own, so it
    /// cannot have signed one that hashes another. Without this a coordinator frames the honest with a register of the same chain
    /// that was signed before or after:
    ///
    /// - *A smaller quorum l.* The polynomials of an honest dealer have the degree of its own register's quorum less one: l of its
    ///   shares, which the coordinator holds once the secret was opened, join to another secret.
    /// - *A smaller C.* As many liars as its own register allows for complain about an honest dealer, and are too many here.
    /// - *Other seats.* A share belongs to one committee position. An opening may hold at another one in a committee of another size
    ///   (4 of 5 and 8 of 9 have paths of one form), and there an honest member's right share does not match.
    ///
    /// - Throws: ``SecureAggregationError/unknown(_:)`` if session or epoch is not shown;
    ///   ``SecureAggregationError/mismatch(field:)`` naming what is of another register, session or epoch.
    func requireBinding(to register: Register) throws(SecureAggregationError) {
        if fault.namesSession {
            guard let session else { throw .unknown("session of the evidence") }
            guard session.registerDigest == register.digest else {
                throw .mismatch(field: "registerDigest of the session")
            }
            let sessionID = session.sessionID
            if let upload = fault.deal?.upload, upload.body.sessionID != sessionID {
                throw .mismatch(field: "sessionId of the upload")
            }
            if let reveal = fault.reveal, reveal.sessionID != sessionID {
                throw .mismatch(field: "sessionId of the reveal")
            }
        }
        if let prekey = fault.deal?.prekey {
            guard let epoch else { throw .unknown("epoch of the evidence") }
            let root = epoch.root(registerDigest: register.digest)
            guard prekey.body.epochRoot == root else { throw .mismatch(field: "epochRoot of the prekey") }
            if let session, session.epochRoot != root { throw .mismatch(field: "epochRoot of the session") }
        }
    }

    /// The root of the epoch that what is shown is of; trusted only after ``requireBinding(to:)``. Reports about the deal name it.
    var boundEpochRoot: Digest? { session?.epochRoot ?? epoch?.root(registerDigest: registerDigest) }
}
