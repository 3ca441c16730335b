// The rules an event must keep to be an event of its kind: specification, section 3.2. One place, used by whoever creates
// an event and by whoever decodes one, so that no store can record what another would refuse to read.

import WireFormat

extension ConsentEvent {
    func validate() throws(WireFormatError) {
        try validateDecisions()
        try validateTimes()
        try validateReferences()
        try require(homeNode != nil, if: kind == .homeAssigned, "homeNode")
        if kind != .homeAssigned, homeNode != nil { throw unexpected("homeNode", "absent") }
        if let jurisdiction, !Self.isJurisdiction(jurisdiction) {
            throw unexpected("jurisdiction", "an ISO 3166 code")
        }
        if let notice {
            let characters = notice.identifier.utf8
            guard (1...64).contains(characters.count), characters.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw unexpected("notice.id", "1 to 64 printable characters")
            }
            if notice.version == 0 { throw unexpected("notice.version", "a version from 1") }
        }
        try require(notice != nil, if: kind == .noticeServed, "notice")
    }

    private func validateDecisions() throws(WireFormatError) {
        for decision in purposes where !(1...decision.purpose.maximumLevel).contains(decision.level) {
            throw unexpected("purposes.level", "a level of the purpose")
        }
        guard Self.ascendsStrictly(purposes) else { throw unexpected("purposes", "ascending, one of a kind") }
        guard purposes.isEmpty != kind.carriesPurposes else {
            throw unexpected("purposes", kind.carriesPurposes ? "at least one decision" : "no decision")
        }
        let grants = purposes.filter { $0.answer == .grant }
        switch kind {
        case .granted, .renewed:
            if grants.isEmpty { throw unexpected("purposes", "at least one grant") }
            // A grant must be demonstrable: on which basis, under which law, after reading what.
            try require(legalBasis != nil, if: true, "legalBasis")
            try require(jurisdiction != nil, if: true, "jurisdiction")
            try require(notice != nil, if: true, "notice")
            let explicit = grants.contains { $0.level >= $0.purpose.explicitFromLevel ?? .max }
            if explicit, legalBasis != .explicitConsent { throw unexpected("legalBasis", "explicit consent") }
        default:
            if !grants.isEmpty { throw unexpected("purposes", "denials only") }
        }
    }

    private func validateTimes() throws(WireFormatError) {
        let range = 0...LedgerLeaf.maximumMilliseconds
        if !range.contains(capturedAtMilliseconds) { throw unexpected("capturedAt", "a time of 48 bits") }
        if !range.contains(effectiveAtMilliseconds) { throw unexpected("effectiveAt", "a time of 48 bits") }
        if let expires = expiresAtMilliseconds {
            if kind != .granted, kind != .renewed { throw unexpected("expiresAt", "absent") }
            if !range.contains(expires) { throw unexpected("expiresAt", "a time of 48 bits") }
            if expires <= effectiveAtMilliseconds { throw unexpected("expiresAt", "later than effectiveAt") }
        }
    }

    private func validateReferences() throws(WireFormatError) {
        if seen.count > Self.maximumSeen { throw .tooLarge(field: "\(Self.messageName).seen") }
        if supersedes.count > Self.maximumSupersedes { throw .tooLarge(field: "\(Self.messageName).supersedes") }
        if !Self.ascendsStrictly(seen) { throw unexpected("seen", "ascending, each once") }
        if !Self.ascendsStrictly(supersedes) { throw unexpected("supersedes", "ascending, each once") }
        if seen.contains(identifier) { throw unexpected("seen", "events other than this one") }
        if supersedes.contains(identifier) { throw unexpected("supersedes", "events other than this one") }
        switch kind {
        case .objectionLifted, .unrestricted:
            if supersedes.isEmpty { throw unexpected("supersedes", "what is lifted") }
        case .granted, .renewed: break
        default:
            if !supersedes.isEmpty { throw unexpected("supersedes", "nothing") }
        }
    }

    /// Two capital letters, then at most one hyphen and 1...3 capital letters or digits (ISO 3166-1 and 3166-2).
    private static func isJurisdiction(_ text: String) -> Bool {
        let letters = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let characters = Array(text.utf8)
        guard characters.count >= 2, characters[..<2].allSatisfy(letters.contains) else { return false }
        if characters.count == 2 { return true }
        return (4...6).contains(characters.count) && characters[2] == UInt8(ascii: "-")
            && characters[3...].allSatisfy { letters.contains($0) || digits.contains($0) }
    }

    private static func ascendsStrictly(_ items: [some Comparable]) -> Bool {
        zip(items, items.dropFirst()).allSatisfy { $0 < $1 }
    }

    private func unexpected(_ field: String, _ expected: String) -> WireFormatError {
        .unexpected(field: "\(Self.messageName).\(field)", expected: expected)
    }

    private func require(_ isPresent: Bool, if condition: Bool, _ field: String) throws(WireFormatError) {
        if condition, !isPresent { throw .missing(field: "\(Self.messageName).\(field)") }
    }
}
