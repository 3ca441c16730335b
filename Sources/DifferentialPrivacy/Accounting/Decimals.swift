// Numbers for people, rounded against us. No locale, no Foundation.

import Glibc

/// `units` · 10^−places in decimal digits.
func decimal(_ units: UInt64, places: Int) -> String {
    let digits = String(units)
    if places == 0 { return digits }
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return padded.dropLast(places) + "." + padded.suffix(places)
}

/// `value` rounded up to `places` decimals; "unbounded" if it is not finite or too large to print.
func decimalRoundedUp(_ value: Double, places: Int) -> String {
    let scaled = (value * pow(10, Double(places))).nextUp.rounded(.up)
    return scaled >= 0 && scaled < 0x1p53 ? decimal(UInt64(scaled), places: places) : "unbounded"
}

/// A probability rounded up to two significant digits in scientific notation, such as 1.1e-9; "0" for zero.
func scientificRoundedUp(_ value: Double) -> String {
    if value == 0 { return "0" }
    guard value.isFinite, value > 0 else { return "unbounded" }
    var exponent = Int(floor(log10(value)))
    var mantissa = (value / pow(10, Double(exponent - 1)) * (1 - 0x1p-44)).rounded(.up)
    if mantissa < 10 { (mantissa, exponent) = (10 * mantissa, exponent - 1) }
    if mantissa >= 100 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    let units = UInt64(mantissa.rounded(.up))
    return (units.isMultiple(of: 10) ? "\(units / 10)" : decimal(units, places: 1)) + "e\(exponent)"
}
