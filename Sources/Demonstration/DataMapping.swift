// Which columns of a chain's export hold what: `mapping.json5` beside the data. Without one, a file with Concord's own
// column names is read as it is, and the public Complete Journey export by its names.

import FoundationEssentials
import Learning
import StrictJSON

/// A data folder's description of its own files.
struct DataMapping: ConfigurationFile {
    /// The table that gives products their category.
    struct Catalogue: Decodable {
        var file: String
        var product: String
        var category: String
    }

    var transactions: String
    var customer: String
    var store: String
    var timestamp: String
    var quantity: String
    var value: String
    /// Column of the category in the transaction file; or `product` and `catalogue`.
    var category: String?
    var product: String?
    var catalogue: Catalogue?
    /// Bad rows that may be skipped. Default 0.
    var maximumSkippedRows: Int?

    enum CodingKeys: CodingKey, CaseIterable {
        case transactions, customer, store, timestamp, quantity, value, category, product, catalogue
        case maximumSkippedRows
    }

    private static let completeJourney = DataMapping(
        transactions: "transactions.csv", customer: "household_id", store: "store_id",
        timestamp: "transaction_timestamp", quantity: "quantity", value: "sales_value", category: nil,
        product: "product_id",
        catalogue: Catalogue(file: "products.csv", product: "product_id", category: "product_category"),
        maximumSkippedRows: nil)

    private static let general = DataMapping(
        transactions: "transactions.csv", customer: "customer_id", store: "store_id", timestamp: "timestamp",
        quantity: "quantity", value: "value", category: "category", product: nil, catalogue: nil,
        maximumSkippedRows: nil)

    /// The mapping of a folder.
    static func of(_ folder: String) throws -> DataMapping {
        if let data = try? Data(contentsOf: URL(filePath: "\(folder)/mapping.json5")) {
            do { return try decoded(json5: [UInt8](data)) } catch {
                throw DemonstrationFailure("mapping.json5: \(error)")
            }
        }
        let head = try header("\(folder)/transactions.csv")
        return head.contains("household_id") ? completeJourney : general
    }

    private static func header(_ path: String) throws -> String {
        guard let file = FileManager.default.contents(atPath: path) else {
            throw DemonstrationFailure("cannot read \(path)")
        }
        return String(decoding: file.prefix { $0 != 0x0a }, as: UTF8.self)
    }

    /// Reads the folder's catalogue, if it has one.
    func readCatalogue(_ folder: String) throws -> ProductCatalogue? {
        guard let catalogue else { return nil }
        guard let file = FileManager.default.contents(atPath: "\(folder)/\(catalogue.file)") else {
            throw DemonstrationFailure("cannot read \(folder)/\(catalogue.file)")
        }
        return try ProductCatalogue(
            csv: [UInt8](file), productColumn: catalogue.product, categoryColumn: catalogue.category)
    }

    /// The importer's mapping.
    func columns(_ catalogue: ProductCatalogue?) throws -> ColumnMapping {
        let source: ColumnMapping.CategorySource
        if let category {
            source = .column(category)
        } else if let product, let catalogue {
            source = .product(column: product, catalogue: catalogue, unlisted: .category("unlisted"))
        } else {
            throw DemonstrationFailure("mapping.json5: expected category, or product and catalogue")
        }
        return ColumnMapping(
            customer: customer, store: store, timestamp: timestamp, category: source, quantity: quantity, value: value)
    }
}
