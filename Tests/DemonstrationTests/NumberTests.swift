// Numbers as people read them.

import Testing

@testable import Demonstration

@Suite struct NumberTests {
    @Test func counts() {
        #expect(ReportNumber.count(0) == "0")
        #expect(ReportNumber.count(999) == "999")
        #expect(ReportNumber.count(2_595_732) == "2,595,732")
        #expect(ReportNumber.count(-1000) == "−1,000")
        #expect(ReportNumber.count(Int.min) == "−9,223,372,036,854,775,808")
        #expect(ReportNumber.count(1, "round") == "1 round")
        #expect(ReportNumber.sum([Int.max, 1]) == .max)
    }

    @Test(arguments: [
        (0.31274, 3, "0.313"), (1234.5, 1, "1,234.5"), (-0.0004, 3, "0.000"), (-0.5, 1, "−0.5"), (7, 0, "7"),
        (Double.nan, 2, "not a number"), (.infinity, 2, "∞"), (-.infinity, 0, "−∞"), (1e300, 2, "10³⁰⁰"),
        (0.999, 2, "1.00"),
    ])
    func decimals(_ value: Double, _ decimals: Int, _ expected: String) {
        #expect(ReportNumber.decimal(value, decimals) == expected)
    }

    @Test func significantDigits() {
        #expect(ReportNumber.significant(0.0123456) == "0.0123")
        #expect(ReportNumber.significant(123.456) == "123")
        #expect(ReportNumber.significant(0) == "0.00")
        #expect(ReportNumber.decimals(for: [0.5, 12, .nan], significant: 4) == 2)
    }

    /// A budget must not look smaller than it is.
    @Test func epsilonIsNeverRoundedDown() {
        #expect(ReportNumber.epsilon(7.9991) == "8.000")
        #expect(ReportNumber.epsilon(8.0001) == "8.001")
        #expect(ReportNumber.epsilon(0.003) == "0.003")
        #expect(ReportNumber.epsilon(.nan) == "not a number")
        #expect(ReportNumber.setting(8) == "8")
        #expect(ReportNumber.setting(0.25) == "0.25")
        #expect(ReportNumber.setting(100) == "100")
    }

    @Test func powers() {
        #expect(ReportNumber.power(1e-6) == "10⁻⁶")
        #expect(ReportNumber.power(2.5e-7) == "2.5 ×\u{A0}10⁻⁷")
        #expect(ReportNumber.power(0) == "0")
    }

    @Test func percentages() {
        #expect(ReportNumber.percent(0.3127, of: 0.3318) == "94%")
        #expect(ReportNumber.percent(0.012, of: 1) == "1.2%")
        #expect(ReportNumber.percent(1, of: 0) == nil)
        #expect(ReportNumber.percent(.nan, of: 1) == nil)
    }

    @Test func timeAndMemory() {
        #expect(ReportNumber.duration(seconds: 0.042) == "0.04\u{A0}s")
        #expect(ReportNumber.duration(seconds: 4.26) == "4.3\u{A0}s")
        #expect(ReportNumber.duration(seconds: 59.7) == "1\u{A0}min 0\u{A0}s")
        #expect(ReportNumber.duration(seconds: 97.4) == "1\u{A0}min 37\u{A0}s")
        #expect(ReportNumber.duration(seconds: 7260) == "2\u{A0}h 1\u{A0}min")
        #expect(ReportNumber.duration(seconds: .nan) == "not a number")
        #expect(ReportNumber.memory(bytes: 512) == "512\u{A0}bytes")
        #expect(ReportNumber.memory(bytes: 431_000_000) == "411\u{A0}MiB")
        #expect(ReportNumber.memory(bytes: 3 << 30) == "3.00\u{A0}GiB")
    }

    @Test func coordinatesAreAlwaysNumbers() {
        #expect(ReportNumber.coordinate(12.34) == "12.3")
        #expect(ReportNumber.coordinate(-0.26) == "-0.3")
        #expect(ReportNumber.coordinate(-0.01) == "0")
        #expect(ReportNumber.coordinate(.nan) == "0")
        #expect(ReportNumber.coordinate(.infinity) == "0")
    }
}
