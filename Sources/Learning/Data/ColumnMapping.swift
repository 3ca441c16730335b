// Which columns of a chain's export hold what. Every chain names them differently; nothing else about them differs.

/// The names of the columns of a transaction file, and where categories come from.
public struct ColumnMapping: Equatable, Sendable {
    /// Where a line's category comes from.
    public enum CategorySource: Equatable, Sendable {
        /// The file has a column with the category itself.
        case column(String)
        /// The file has a product identifier, which the catalogue maps to a category.
        case product(column: String, catalogue: ProductCatalogue, unlisted: UnlistedProducts)
    }

    /// What to do with a product that the catalogue does not classify.
    public enum UnlistedProducts: Equatable, Sendable {
        /// The row is bad.
        case reject
        /// The row counts under this category, which no vocabulary should hold.
        case category(String)
    }

    /// Column of the customer.
    public let customer: String
    /// Column of the store.
    public let store: String
    /// Column of the time.
    public let timestamp: String
    /// Column of the quantity.
    public let quantity: String
    /// Column of the money paid.
    public let value: String
    /// Column of the category or of the product.
    public let category: CategorySource

    /// Names the columns.
    public init(
        customer: String, store: String, timestamp: String, category: CategorySource, quantity: String, value: String
    ) {
        self.customer = customer
        self.store = store
        self.timestamp = timestamp
        self.category = category
        self.quantity = quantity
        self.value = value
    }

    /// Concord's own schema: `customer_id`, `store_id`, `timestamp`, `category`, `quantity`, `value`.
    public static let general = ColumnMapping(
        customer: "customer_id", store: "store_id", timestamp: "timestamp", category: .column("category"),
        quantity: "quantity", value: "value")
}
