// Consent captures as the store's own systems write them: one CSV row an act of a customer, in the order they happened.
// Columns: customer_id, act, purposes, captured_at_ms, expires_at_ms, channel, jurisdiction, notice. Purposes are separated
// by spaces, with a level after a colon; a notice is id:version:SHA-256 of the text that was shown.

import Consent
import Cryptography

/// One act of a customer, as captured.
package struct ConsentCapture: Sendable {
    let customerID: String
    let kind: EventKind
    let purposes: [PurposeDecision]
    let capturedAtMilliseconds: Int64
    let expiresAtMilliseconds: Int64?
    let channel: CaptureChannel
    let jurisdiction: String?
    let notice: NoticeReference?
}

/// A capture file that cannot be used; names the line and the field, never the data.
package struct CaptureFileError: Error, Equatable, Sendable, CustomStringConvertible {
    let line: Int
    let field: String
    let expected: String
    package var description: String { "line \(line), \(field): expected \(expected)" }
}

/// Reads capture files.
package enum CaptureFile {
    static let header = "customer_id,act,purposes,captured_at_ms,expires_at_ms,channel,jurisdiction,notice"

    /// Reads a whole file; a bad row refuses it, because half a day's consent is nobody's consent.
    /// - Throws: ``CaptureFileError``.
    package static func parse(_ text: String) throws(CaptureFileError) -> [ConsentCapture] {
        var captures: [ConsentCapture] = []
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            if number == 1 {
                guard line == header else {
                    throw CaptureFileError(line: 1, field: "header", expected: header)
                }
                continue
            }
            if line.isEmpty { continue }
            captures.append(try row(line.split(separator: ",", omittingEmptySubsequences: false), line: number))
        }
        return captures
    }

    private static func notice(_ text: Substring, line: Int) throws(CaptureFileError) -> NoticeReference? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: ":")
        guard parts.count == 3, let version = UInt32(parts[1]), let digest = try? Digest(hex: String(parts[2])) else {
            throw CaptureFileError(line: line, field: "notice", expected: "id:version:sha256, or nothing")
        }
        return NoticeReference(identifier: String(parts[0]), version: version, digest: digest)
    }

    private static func row(_ fields: [Substring], line: Int) throws(CaptureFileError) -> ConsentCapture {
        guard fields.count == 8 else { throw CaptureFileError(line: line, field: "row", expected: "8 fields") }
        guard !fields[0].isEmpty, fields[0].utf8.count <= 256 else {
            throw CaptureFileError(line: line, field: "customer_id", expected: "1 to 256 bytes")
        }
        let kind: EventKind =
            switch fields[1] {
            case "enrolled": .homeAssigned
            case "notice-served": .noticeServed
            case "granted": .granted
            case "refused": .refused
            case "withdrawn": .withdrawn
            case "objected": .objection
            default:
                throw CaptureFileError(
                    line: line, field: "act",
                    expected: "enrolled, notice-served, granted, refused, withdrawn or objected")
            }
        var purposes: [PurposeDecision] = []
        let answer: PurposeDecision.Answer = kind == .granted ? .grant : .deny
        for text in fields[2].split(separator: " ") {
            // A level may follow the purpose: `personalise:2`.
            let parts = text.split(separator: ":")
            guard let name = parts.first, let purpose = try? Purpose(text: String(name)),
                let level = parts.count > 1 ? Int(parts[1]) : 1, (1...purpose.maximumLevel).contains(level)
            else {
                throw CaptureFileError(line: line, field: "purposes", expected: "purposes separated by spaces")
            }
            purposes.append(PurposeDecision(answer, purpose, level: level))
        }
        guard let captured = Int64(fields[3]), captured > 0 else {
            throw CaptureFileError(line: line, field: "captured_at_ms", expected: "Unix milliseconds")
        }
        var expires: Int64?
        if !fields[4].isEmpty {
            guard let value = Int64(fields[4]), value > captured else {
                throw CaptureFileError(
                    line: line, field: "expires_at_ms", expected: "a time after the capture, or nothing")
            }
            expires = value
        }
        let channel: CaptureChannel? =
            switch fields[5] {
            case "kiosk": .kiosk
            case "pos": .pointOfSale
            case "app": .app
            case "web": .web
            case "paper": .paper
            default: nil
            }
        guard let channel else {
            throw CaptureFileError(line: line, field: "channel", expected: "kiosk, pos, app, web or paper")
        }
        return ConsentCapture(
            customerID: String(fields[0]), kind: kind, purposes: purposes, capturedAtMilliseconds: captured,
            expiresAtMilliseconds: expires, channel: channel,
            jurisdiction: fields[6].isEmpty ? nil : String(fields[6]), notice: try notice(fields[7], line: line))
    }
}
