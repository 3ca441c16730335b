// One line of a receipt: the only personal data that training reads. It lives at the store node and never leaves it.

/// One category bought by one customer at one moment. Personal data: its description prints none of it.
public struct Transaction: Equatable, Sendable, CustomStringConvertible {
    /// The loyalty identifier, as the chain writes it, without a trailing `.0`.
    public let customerID: String
    /// The store, as the chain writes it, without a trailing `.0`.
    public let storeID: String
    /// Seconds since 1970 UTC, 0 ... 253,402,300,799 (the end of the year 9999). Lines of one basket share it.
    public let timestampSeconds: Int64
    /// The product category.
    public let category: String
    /// Units bought; zero or less is a return or a correction and never counts as a purchase.
    public let quantity: Double
    /// Money paid, in units of the chain's currency; negative for a return.
    public let value: Double

    /// Makes a line from values already checked.
    public init(
        customerID: String, storeID: String, timestampSeconds: Int64, category: String, quantity: Double, value: Double
    ) {
        self.customerID = customerID
        self.storeID = storeID
        self.timestampSeconds = timestampSeconds
        self.category = category
        self.quantity = quantity
        self.value = value
    }

    /// Safe to log: carries no customer data.
    public var description: String { "<transaction>" }
}
