import Testing

@testable import Learning

@Suite struct FieldParserTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951_868_799), ("2017-01-01T12:30:27Z", 1_483_273_827),
            ("2018-01-01T03:47:38.250Z", 1_514_778_458), ("2024-03-10T01:00:00-05:00", 1_710_050_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799), ("0", 0), ("1483273827", 1_483_273_827),
        ] as [(String, Int64)])
    func timesAreSeconds(text: String, expected: Int64) {
        #expect(FieldParser.timestamp([UInt8](text.utf8)[...]) == expected)
    }

    @Test(arguments: [
        "", "-1", "1969-12-31T23:59:59Z", "2017-13-01T00:00:00Z", "2017-00-01T00:00:00Z", "2017-04-31T00:00:00Z",
        "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2017-01-01T24:00:00Z", "2017-01-01T00:60:00Z",
        "2017-01-01T00:00:00", "2017-01-01T00:00:00Zx", "2017-01-01T00:00:00.Z", "2017-01-01T00:00:00+24:00",
        "999999999999", "1970-01-01T00:00:00+01:00", "٢017-01-01T00:00:00Z",
    ])
    func otherTimesAreRefused(text: String) {
        #expect(FieldParser.timestamp([UInt8](text.utf8)[...]) == nil)
    }

    @Test(arguments: [
        "0", "-0", "1", "1.5", "-3.49", "+2", ".5", "5.", "0.30000000000000004", "123456789012345678", "1e3", "1.25E-7",
        "0.000000000000001", "999999999999999", "9007199254740993",
    ])
    func numbersRoundAsTheStandardLibraryDoes(text: String) throws {
        let value = try #require(FieldParser.number([UInt8](text.utf8)[...]))
        let trimmed = text.hasSuffix(".") ? String(text.dropLast()) : text
        #expect(value == (try #require(Double(trimmed))))
    }

    @Test(arguments: [
        "", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "1,5", " 1", "1 ", "inf", "nan", "0x1p3", "1e999", "--1",
        "11111111111111111111111111111111111111111",
    ])
    func otherNumbersAreRefused(text: String) {
        #expect(FieldParser.number([UInt8](text.utf8)[...]) == nil)
    }

    @Test(arguments: [
        ("28897.0", "28897"), ("28897", "28897"), ("7.00", "7"), ("7.5", "7.5"), ("7.", "7."), (".0", ".0"),
        ("a.0", "a.0"), ("1.2.0", "1.2.0"), ("0012", "0012"),
    ])
    func identifiersLoseAFractionOfZeros(text: String, expected: String) {
        #expect(FieldParser.identifier([UInt8](text.utf8)[...]) == expected)
    }
}
