// The public sample of "The Complete Journey" (84.51°, a year of 2,377 households): real exports have the quirks that
// generated ones do not. Its figures were counted independently with Python's csv module.

import Learning
import TestSupport
import Testing

@Suite struct CompleteJourneyTests {
    static let folder = "data/complete-journey"

    @Test(.enabled(if: ReferenceData.isPresent(folder), "\(ReferenceData.absence(of: folder))"))
    func theRealFileImportsWhole() throws {
        let catalogue = try ProductCatalogue(
            csv: ReferenceData.bytes("\(Self.folder)/products.csv"), productColumn: "product_id",
            categoryColumn: "product_category")
        let mapping = ColumnMapping(
            customer: "household_id", store: "store_id", timestamp: "transaction_timestamp",
            category: .product(column: "product_id", catalogue: catalogue, unlisted: .category("UNLISTED")),
            quantity: "quantity", value: "sales_value")
        let (rows, report) = try importing(
            bytes: ReferenceData.bytes("\(Self.folder)/transactions.csv"), mapping: mapping, chunk: 65_536)
        #expect(report.acceptedRows == 75_000)
        #expect(report.skippedRows.isEmpty)
        #expect(Set(rows.map(\.storeID)).count == 293)
        #expect(Set(rows.map(\.customerID)).count == 2_377)
        #expect(rows.count { $0.category == "SOFT DRINKS" } == 3_331)
        #expect(rows.count { $0.category == "FLUID MILK PRODUCTS" } == 2_475)

        let vocabulary = try Vocabulary(catalogue: catalogue, count: 48)
        #expect(vocabulary.categories.prefix(3) == ["SOFT DRINKS", "CANDY - PACKAGED", "FRZN MEAT/MEAT DINNERS"])
        #expect(vocabulary.index(of: "UNLISTED") == nil)
    }
}
