// Strict parsers of single fields. Each returns nil for anything it does not accept; none traps, none allocates more than
// its input.

/// Reads identifiers, numbers and times from the bytes of a field.
enum FieldParser {
    /// What ``timestamp(_:)`` accepts, for reports.
    static let timestampExpectation = "an ISO 8601 time such as 2017-01-01T12:30:27Z, or whole seconds since 1970"
    /// What ``number(_:)`` accepts, for reports.
    static let numberExpectation = "a decimal number"
    /// What ``identifier(_:)`` and ``text(_:)`` accept, for reports.
    static let textExpectation = "1 to 256 bytes of UTF-8 without control characters"

    private static let longestText = 256
    /// The last second of the year 9999.
    private static let lastSecond: Int64 = 253_402_300_799

    /// A non-empty text without control characters.
    static func text(_ field: ArraySlice<UInt8>) -> String? {
        if field.isEmpty || field.count > longestText { return nil }
        for byte in field where byte < 0x20 || byte == 0x7F { return nil }
        return String(validating: field, as: UTF8.self)
    }

    /// An identifier. Digits with a fraction of zeros, as spreadsheets and data frames write integers, lose the fraction:
    /// `28897.0` and `28897` are one identifier.
    static func identifier(_ field: ArraySlice<UInt8>) -> String? {
        guard let point = field.firstIndex(of: UInt8(ascii: ".")), point > field.startIndex,
            field.index(after: point) < field.endIndex,
            field[..<point].allSatisfy(isDigit), field[(point + 1)...].allSatisfy({ $0 == UInt8(ascii: "0") })
        else { return text(field) }
        return text(field[..<point])
    }

    /// A decimal number: sign, digits, fraction, exponent; at most 40 characters; finite.
    ///
    /// Up to 15 significant digits and 22 decimal places one division of two exact doubles rounds correctly
    /// (Clinger 1990, "How to read floating point numbers accurately", fast path); other numbers go to the standard
    /// library's correctly rounding parser.
    static func number(_ field: ArraySlice<UInt8>) -> Double? {
        if field.isEmpty || field.count > 40 { return nil }
        var position = field.startIndex
        let negative = field[position] == UInt8(ascii: "-")
        if negative || field[position] == UInt8(ascii: "+") { position += 1 }
        var mantissa: UInt64 = 0
        var digits = 0
        var decimals = 0
        var pointSeen = false
        var exponentSeen = false
        scan: while position < field.endIndex {
            let byte = field[position]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if digits <= 15 { mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0")) }
                if pointSeen { decimals += 1 }
            case UInt8(ascii: ".") where !pointSeen: pointSeen = true
            case UInt8(ascii: "e") where digits > 0, UInt8(ascii: "E") where digits > 0:
                exponentSeen = true
                break scan
            default: return nil
            }
            position += 1
        }
        if digits == 0 { return nil }
        if !exponentSeen && digits <= 15 {
            let magnitude = Double(mantissa) / powersOfTen[decimals]
            return negative ? -magnitude : magnitude
        }
        if exponentSeen {
            position += 1
            if position < field.endIndex, field[position] == UInt8(ascii: "-") || field[position] == UInt8(ascii: "+") {
                position += 1
            }
            if position == field.endIndex || !field[position...].allSatisfy(isDigit) { return nil }
        }
        guard let value = Double(String(decoding: field, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// Seconds since 1970 UTC from `YYYY-MM-DDThh:mm:ss` with `Z` or `±hh:mm` (a space may stand for T, a fraction of a
    /// second is dropped), or from a whole number of seconds; years 1970 to 9999.
    static func timestamp(_ field: ArraySlice<UInt8>) -> Int64? {
        if field.isEmpty { return nil }
        if field.count <= 12 {
            guard field.allSatisfy(isDigit) else { return nil }
            let seconds = field.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            return seconds <= lastSecond ? seconds : nil
        }
        var scanner = Scanner(rest: field)
        guard let year = scanner.digits(4), scanner.skip(UInt8(ascii: "-")), let month = scanner.digits(2),
            scanner.skip(UInt8(ascii: "-")), let day = scanner.digits(2),
            scanner.skip(UInt8(ascii: "T")) || scanner.skip(UInt8(ascii: " ")), let hour = scanner.digits(2),
            scanner.skip(UInt8(ascii: ":")), let minute = scanner.digits(2), scanner.skip(UInt8(ascii: ":")),
            let second = scanner.digits(2)
        else { return nil }
        if scanner.skip(UInt8(ascii: ".")) {
            guard scanner.digits(1) != nil else { return nil }
            while scanner.digits(1) != nil {}
        }
        guard let offset = scanner.offsetSeconds(), scanner.rest.isEmpty else { return nil }
        guard (1970...9999).contains(year), (1...12).contains(month), day >= 1, day <= daysIn(month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let seconds =
            daysSinceEpoch(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset
        return (0...lastSecond).contains(seconds) ? seconds : nil
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard rest.count >= count, rest.prefix(count).allSatisfy(isDigit) else { return nil }
            defer { rest.removeFirst(count) }
            return rest.prefix(count).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }

        mutating func offsetSeconds() -> Int64? {
            if skip(UInt8(ascii: "Z")) { return 0 }
            let sign: Int64
            if skip(UInt8(ascii: "+")) { sign = 1 } else if skip(UInt8(ascii: "-")) { sign = -1 } else { return nil }
            guard let hours = digits(2), skip(UInt8(ascii: ":")), let minutes = digits(2), hours < 24, minutes < 60
            else { return nil }
            return sign * Int64(hours * 3600 + minutes * 60)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms",
    /// `days_from_civil`), for years from 1.
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }
}
