import Learning
import Testing

/// Feeds `text` in chunks of `chunk` bytes.
func importing(
    _ text: String, mapping: ColumnMapping = .general, maximumSkippedRows: Int = 0, chunk: Int = .max
) throws(ImportError) -> (rows: [Transaction], report: ImportReport) {
    try importing(bytes: [UInt8](text.utf8), mapping: mapping, maximumSkippedRows: maximumSkippedRows, chunk: chunk)
}

func importing(
    bytes: [UInt8], mapping: ColumnMapping = .general, maximumSkippedRows: Int = 0, chunk: Int = .max
) throws(ImportError) -> (rows: [Transaction], report: ImportReport) {
    var importer = TransactionImporter(mapping: mapping, maximumSkippedRows: maximumSkippedRows)
    var rows: [Transaction] = []
    var start = 0
    while start < bytes.count {
        let end = min(bytes.count, start + min(chunk, bytes.count))
        try importer.read([UInt8](bytes[start..<end]), into: &rows)
        start = end
    }
    let report = try importer.finish(into: &rows)
    return (rows, report)
}

@Suite struct TransactionImporterTests {
    static let header = "customer_id,store_id,timestamp,category,quantity,value\n"
    static let milk = Transaction(
        customerID: "906", storeID: "319", timestampSeconds: 1_483_273_827, category: "milk", quantity: 2, value: 1.5)

    @Test func readsARow() throws {
        let (rows, report) = try importing(Self.header + "906,319,2017-01-01T12:30:27Z,milk,2.0,1.5\n")
        #expect(rows == [Self.milk])
        #expect(report.acceptedRows == 1)
        #expect(report.skippedRows.isEmpty)
    }

    @Test func dialectsOfOneRowAgree() throws {
        let row = "906,319,2017-01-01T12:30:27Z,milk,2,1.5"
        let texts = [
            Self.header + row, Self.header + row + "\n\n\n", "\u{FEFF}" + Self.header + row,
            (Self.header + row + "\n").split(separator: "\n").joined(separator: "\r\n") + "\r\n",
            Self.header + "\"906\",\"319\",\"2017-01-01T12:30:27Z\",\"milk\",\"2\",\"1.5\"\n",
            Self.header + "906.0,319.00,1483273827,milk,2e0,1.50",
            "value,extra,quantity,category,timestamp,store_id,customer_id\n1.5,x,2,milk,2017-01-01 13:30:27+01:00,319,906",
        ]
        for text in texts { #expect(try importing(text).rows == [Self.milk]) }
    }

    @Test(arguments: [1, 2, 3, 7, 64])
    func chunksMayBeCutAnywhere(size: Int) throws {
        let text =
            "\u{FEFF}" + Self.header
            + "1,2,1483273827,\"salt, \"\"fine\"\"\r\n\",1,1\r\n3,4,1483273827,käse,1,1\r\n\r\n5,6,7,tea,1,1"
        // A line feed inside quotes is legal CSV but no category.
        let whole = try importing(text, maximumSkippedRows: 1)
        let pieces = try importing(text, maximumSkippedRows: 1, chunk: size)
        #expect(whole.rows == pieces.rows)
        #expect(whole.report == pieces.report)
        #expect(whole.rows.map(\.category) == ["käse", "tea"])
        #expect(whole.report.skippedRows.map(\.line) == [2])
    }

    @Test func quotedFieldsKeepCommasAndQuotes() throws {
        let (rows, _) = try importing(Self.header + "1,2,3,\"salt, \"\"fine\"\"\",1,1\n")
        #expect(rows.first?.category == "salt, \"fine\"")
    }

    @Test(arguments: [
        ("906,319,2017-01-01,milk,1,1", "timestamp"), ("906,319,2017-02-29T00:00:00Z,milk,1,1", "timestamp"),
        ("906,319,1483273827000,milk,1,1", "timestamp"), ("906,319,yesterday,milk,1,1", "timestamp"),
        ("906,319,,milk,1,1", "timestamp"), (",319,1,milk,1,1", "customer_id"), ("906,,1,milk,1,1", "store_id"),
        ("906,319,1,,1,1", "category"), ("906,319,1,milk,,1", "quantity"), ("906,319,1,milk,one,1", "quantity"),
        ("906,319,1,milk,1,nan", "value"), ("906,319,1,milk,1,1e999", "value"), ("906,319,1,milk,1,0x10", "value"),
        ("906,319,1,milk,1", "row"), ("906,319,1,milk,1,1,1", "row"), ("906,319,1,mi\"lk,1,1", "row"),
        ("906,319,1,\"milk\"x,1,1", "row"), ("906,319,1,mi\u{0}lk,1,1", "row"), ("906,319,1,mi\rlk,1,1", "row"),
        ("906,319,1,mi\u{1B}lk,1,1", "category"),
    ])
    func badRowsNameLineAndField(row: String, field: String) throws {
        let text = Self.header + "1,2,3,tea,1,1\n" + row + "\n1,2,3,tea,1,1\n"
        let error = #expect(throws: ImportError.self) { try importing(text) }
        guard case .tooManyBadRows(let problems) = error else {
            Issue.record("expected a refusal for bad rows")
            return
        }
        #expect(problems.map(\.line) == [3])
        #expect(problems.map(\.field) == [field])
        let (rows, report) = try importing(text, maximumSkippedRows: 1)
        #expect(rows.count == 2)
        #expect(report.skippedRows == problems)
    }

    @Test func refusesAboveTheLimitAndStaysRefused() throws {
        var importer = TransactionImporter(mapping: .general, maximumSkippedRows: 2)
        var rows: [Transaction] = []
        let text = Self.header + String(repeating: "1,2,x,tea,1,1\n", count: 3)
        let error = try #require(
            #expect(throws: ImportError.self) { try importer.read([UInt8](text.utf8), into: &rows) })
        #expect(throws: error) { try importer.read([], into: &rows) }
        #expect(throws: error) { _ = try importer.finish(into: &rows) }
        let problems = [2, 3, 4].map { ("timestamp", $0) }
        guard case .tooManyBadRows(let found) = error else {
            Issue.record("expected a refusal for bad rows")
            return
        }
        #expect(found.map(\.field) == problems.map(\.0))
        #expect(found.map(\.line) == problems.map(\.1))
    }

    @Test func reportsCarryNoData() throws {
        let text = Self.header + "secret-customer,secret-store,secret-time,secret-category,1,1\n"
        let error = #expect(throws: ImportError.self) { try importing(text) }
        #expect(error?.description.contains("secret") == false)
        #expect("\(Self.milk)" == "<transaction>")
    }

    @Test func headersAreChecked() {
        #expect(throws: ImportError.emptyFile) { try importing("") }
        #expect(throws: ImportError.missingColumn("value")) {
            try importing("customer_id,store_id,timestamp,category,quantity\n")
        }
        #expect(throws: ImportError.repeatedColumn("value")) {
            try importing("customer_id,store_id,timestamp,category,quantity,value,value\n")
        }
        #expect(throws: ImportError.malformedHeader(expected: "text without NUL")) { try importing("a\u{0}\n") }
    }

    @Test func hostileFilesEndInErrorsNotInMemory() {
        let row = "1,2,3,tea,1,1\n"
        #expect(throws: ImportError.unterminatedQuote(line: 3)) {
            try importing(Self.header + row + "1,2,3,\"tea,1,1\n" + row)
        }
        let long = String(repeating: "a", count: 70_000)
        #expect(throws: ImportError.rowTooLong(line: 2, maximumBytes: 65_536)) {
            try importing(Self.header + long + "\n" + row, maximumSkippedRows: 10)
        }
        #expect(throws: ImportError.rowTooLong(line: 2, maximumBytes: 65_536)) {
            try importing(Self.header + "\"" + long, maximumSkippedRows: 10)
        }
        #expect(throws: ImportError.tooManyFields(line: 2, maximum: 1024)) {
            try importing(Self.header + String(repeating: ",", count: 2000) + "\n", maximumSkippedRows: 10)
        }
        let invalid =
            [UInt8](Self.header.utf8) + [0x31, 0x2C, 0x32, 0x2C, 0x33, 0x2C, 0xFF, 0xFE, 0x2C, 0x31, 0x2C, 0x31]
        #expect(throws: ImportError.self) { try importing(bytes: invalid) }
    }

    @Test func productsJoinTheirCategories() throws {
        let catalogue = try ProductCatalogue(
            csv: [UInt8]("id,cat\n28897.0,EGGS\n7,MILK\n8,\n7.0,MILK".utf8), productColumn: "id", categoryColumn: "cat")
        #expect(catalogue.categories == ["28897": "EGGS", "7": "MILK"])
        func mapping(_ unlisted: ColumnMapping.UnlistedProducts) -> ColumnMapping {
            ColumnMapping(
                customer: "c", store: "s", timestamp: "t",
                category: .product(column: "p", catalogue: catalogue, unlisted: unlisted), quantity: "q", value: "v")
        }
        let text = "c,s,t,p,q,v\n1,1,1,28897,1,1\n1,1,1,8,1,1\n"
        #expect(try importing(text, mapping: mapping(.category("OTHER"))).rows.map(\.category) == ["EGGS", "OTHER"])
        let strict = try importing(text, mapping: mapping(.reject), maximumSkippedRows: 1)
        #expect(strict.rows.map(\.category) == ["EGGS"])
        #expect(strict.report.skippedRows.map(\.field) == ["p"])
        #expect(throws: ImportError.contradictoryProduct(line: 3)) {
            try ProductCatalogue(csv: [UInt8]("id,cat\n7,A\n7.0,B".utf8), productColumn: "id", categoryColumn: "cat")
        }
    }
}
