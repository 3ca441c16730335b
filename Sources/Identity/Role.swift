// What a certificate's holder may be. A role says who someone is; which operations it may call is the caller's table.

/// The role part of a SPIFFE id. No one holds two of propose, approve and operate: each role has its own certificate.
public enum Role: String, CaseIterable, Hashable, Sendable {
    /// A store node: trains, uploads masked updates, reads its own rows.
    case store
    /// The coordinator: the only role a server certificate is issued for.
    case coordinator
    /// Signs the training plan.
    case planOwner = "plan-owner"
    /// Privacy officer: policy, consent, approval of rounds and budget.
    case officer
    /// Proposes tasks and reads released models.
    case engineer
    /// Deploys, renews certificates, takes backups; sees no payloads and no data subjects.
    case `operator`
    /// Reads ledgers and proofs.
    case auditor
}
