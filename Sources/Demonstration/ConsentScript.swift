// What the chain's customers answer, so that every kind of answer occurs: grants, refusals, no answer at all, consent that
// ran out, consent taken back, and purposes answered apart. Seeded, so a run can be repeated.

import Cryptography

/// Seeded answers of customers.
struct ConsentScript: ~Copyable {
    private var generator: KeyedRandomGenerator
    private let nowMilliseconds: Int64

    init(seed: UInt64, nowMilliseconds: Int64) throws {
        generator = try KeyedRandomGenerator(
            key: SecretBytes(
                copying: SHA256.tagged(
                    "demonstration-consent", withUnsafeBytes(of: seed.bigEndian) { [UInt8]($0) }
                ).bytes))
        self.nowMilliseconds = nowMilliseconds
    }

    private static let day: Int64 = 86_400_000

    /// The notice that every customer was shown, named by the digest of its text.
    private static let notice =
        "loyalty-notice:3:"
        + SHA256.hash([UInt8]("Your store may learn from your purchases. They stay in the store.".utf8)).hex

    /// One customer's capture rows in the order they happened, and whether she may train at the end of them.
    mutating func rows(customer: String) -> (rows: [String], consents: Bool) {
        let start = nowMilliseconds - Int64(generator.uniform(below: 200) + 150) * Self.day
        func row(_ act: String, _ purposes: String, _ at: Int64, _ expires: Int64? = nil, _ channel: String) -> String {
            "\(customer),\(act),\(purposes),\(at),\(expires.map(String.init) ?? ""),\(channel),DE,\(Self.notice)"
        }
        let channel = ["kiosk", "app", "pos", "web", "paper"][Int(generator.uniform(below: 5))]
        var rows = [row("enrolled", "", start, nil, channel)]
        let purposes = "train.federated"
        // Personalisation is its own question with its own answer.
        switch generator.uniform(below: 3) {
        case 0: rows.append(row("granted", "personalise:2", start + 1_000, nil, channel))
        case 1: rows.append(row("refused", "personalise", start + 1_000, nil, channel))
        default: break
        }
        let answer = generator.uniform(below: 100)
        switch answer {
        case 0..<62:
            rows.append(row("granted", purposes, start + 2_000, nil, channel))
            return (rows, true)
        case 62..<66:
            rows.append(row("granted", purposes, start + 2_000, nil, channel))
            rows.append(row("withdrawn", purposes, start + 30 * Self.day, nil, "app"))
            return (rows, false)
        case 66..<70:
            rows.append(row("granted", purposes, start + 2_000, start + 90 * Self.day, channel))
            return (rows, false)
        case 70..<90:
            rows.append(row("refused", purposes, start + 2_000, nil, channel))
            return (rows, false)
        default:
            return (rows, false)
        }
    }

    /// The row of a customer who takes her consent back now.
    static func withdrawal(customer: String, nowMilliseconds: Int64) -> String {
        "\(customer),withdrawn,train.federated,\(nowMilliseconds),,app,DE,"
    }
}
