// Numbers for people: as many digits as mean something, with their unit, the same on every machine (no locale).

import Glibc

/// Writes numbers.
enum ReportNumber {
    /// A whole number with groups of three.
    static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var result = value < 0 ? "\u{2212}" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
            result.append(digit)
        }
        return result
    }

    /// A count and its noun.
    static func count(_ value: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(count(value)) \(value == 1 ? singular : plural ?? singular + "s")"
    }

    /// A number with a fixed number of decimals; very large ones in powers of ten.
    static func decimal(_ value: Double, _ decimals: Int) -> String {
        if value.isNaN { return "not a number" }
        if value.isInfinite { return value > 0 ? "∞" : "\u{2212}∞" }
        let scaled = (abs(value) * pow(10, Double(decimals))).rounded()
        guard scaled < 1e15 else { return power(value) }
        let digits = String(Int(scaled))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "\u{2212}" : ""
        let whole = count(Int(padded.dropLast(decimals)) ?? 0)
        return sign + whole + (decimals > 0 ? "." + padded.suffix(decimals) : "")
    }

    /// Decimals that give the largest of `values` so many significant digits: one choice for a whole column.
    static func decimals(for values: [Double], significant: Int) -> Int {
        let largest = values.filter(\.isFinite).map(abs).max() ?? 0
        guard largest > 0 else { return significant - 1 }
        return min(9, max(0, significant - 1 - Int(log10(largest).rounded(.down))))
    }

    /// A number with so many significant digits.
    static func significant(_ value: Double, _ digits: Int = 3) -> String {
        decimal(value, decimals(for: [value], significant: digits))
    }

    /// A spent ε, three decimals, rounded up: what is printed is never less than what was spent.
    static func epsilon(_ value: Double) -> String {
        // The millionth of a thousandth forgives what binary fractions add to a number such as 0.001.
        value.isFinite && abs(value) < 1e9 ? decimal((value * 1000 - 1e-6).rounded(.up) / 1000, 3) : decimal(value, 3)
    }

    /// A chosen number, such as a cap: no more decimals than it has.
    static func setting(_ value: Double) -> String {
        var text = decimal(value, 3)
        guard text.contains("."), !text.contains("×") else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// A number as mantissa and power of ten, such as δ.
    static func power(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return decimal(value, 0) }
        var exponent = Int(log10(abs(value)).rounded(.down))
        var mantissa = value / pow(10, Double(exponent))
        if abs(abs(mantissa) - 10) < 0.005 {
            mantissa /= 10
            exponent += 1
        }
        guard mantissa.isFinite else { return "\(value)" }
        let digits: [Character: Character] = [
            "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸",
            "9": "⁹",
        ]
        let tens = "10" + String(String(exponent).compactMap { digits[$0] })
        return abs(mantissa - 1) < 0.005 ? tens : "\(setting((mantissa * 100).rounded() / 100)) ×\u{A0}\(tens)"
    }

    /// A share of one as a percentage, if there is one.
    static func percent(_ part: Double, of whole: Double) -> String? {
        let share = part / whole
        guard share.isFinite, whole > 0 else { return nil }
        let scaled = share * 100
        return decimal(scaled, abs(scaled) < 10 && scaled != scaled.rounded() ? 1 : 0) + "%"
    }

    /// A length of time.
    static func duration(seconds: Double) -> String {
        if !seconds.isFinite { return decimal(seconds, 0) }
        guard seconds >= 0, seconds < 1e9 else { return decimal(seconds, 0) + "\u{A0}s" }
        if seconds < 9.95 { return decimal(seconds, seconds < 0.995 ? 2 : 1) + "\u{A0}s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)\u{A0}s" }
        if whole < 3600 { return "\(whole / 60)\u{A0}min \(whole % 60)\u{A0}s" }
        return "\(whole / 3600)\u{A0}h \(whole / 60 % 60)\u{A0}min"
    }

    /// An amount of memory, in powers of 1024 (IEC 80000-13).
    static func memory(bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["bytes", "KiB", "MiB", "GiB"] {
            if abs(value) < 1000 { return (unit == "bytes" ? count(bytes) : significant(value)) + "\u{A0}" + unit }
            value /= 1024
        }
        return significant(value) + "\u{A0}TiB"
    }

    /// A number in a drawing: one decimal, no exponent; what is no number, or is absurd, is zero.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e6 else { return "0" }
        let tenths = Int((value * 10).rounded())
        let fraction = abs(tenths % 10)
        return "\(tenths < 0 ? "-" : "")\(abs(tenths / 10))" + (fraction == 0 ? "" : ".\(fraction)")
    }

    /// A sum that stays at the largest integer instead of overflowing.
    static func sum(_ values: some Sequence<Int>) -> Int {
        values.reduce(0) { total, value in
            let (sum, isOverflow) = total.addingReportingOverflow(value)
            return isOverflow ? (value > 0 ? .max : .min) : sum
        }
    }
}
