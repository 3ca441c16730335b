/// What to demonstrate.
public struct DemonstrationOptions: Sendable {
    /// Folder with a retailer's `transactions.csv` and `products.csv`; nil generates a chain.
    public var dataFolder: String?
    /// Rounds.
    public var rounds: Int
    /// Store nodes.
    public var stores: Int
    /// Customers of a generated chain.
    public var customers: Int
    /// Seed of everything generated.
    public var seed: UInt64
    /// Folder for the results.
    public var output: String

    /// Collects options.
    public init(dataFolder: String?, rounds: Int, stores: Int, customers: Int, seed: UInt64, output: String) {
        self.dataFolder = dataFolder
        self.rounds = rounds
        self.stores = stores
        self.customers = customers
        self.seed = seed
        self.output = output
    }
}

/// Why a demonstration could not go on.
public struct DemonstrationFailure: Error, CustomStringConvertible {
    /// What happened, for people.
    public let description: String
    init(_ description: String) { self.description = description }
}
