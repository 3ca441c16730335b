// The chain's transactions, split as a real chain's are: every node has the files of its own stores, and a customer is at
// home where she shops most.

import Cryptography
import FoundationEssentials
import Learning

/// Transactions by node, and what the demonstration itself keeps to measure utility.
struct ChainData {
    /// One customer, as the demonstration knows her.
    struct Customer {
        let id: String
        /// The node she is at home at.
        let home: Int
        /// Examples from her transactions at her home node: what that node can learn from.
        let examples: CustomerExamples
    }

    let description: String
    let customers: [Customer]
    let transactionCount: Int
    let job: PropensityJob

    /// Writes one `transactions.csv` a node below `folder(node)` and returns the rest.
    static func generated(
        options: DemonstrationOptions, folder: (Int) -> String
    ) throws -> ChainData {
        let generator = try RetailGenerator(seed: options.seed, customers: options.customers, stores: options.stores)
        let vocabulary = try RetailGenerator.vocabulary()
        let job = try PropensityJob.defaults(
            vocabulary: vocabulary, schedule: try ExampleSchedule(endSeconds: generator.endSeconds),
            rounds: options.rounds)
        let nodeOfStore = Dictionary(
            uniqueKeysWithValues: (0..<options.stores).map { (RetailGenerator.storeID($0), $0) })
        var writer = try NodeFiles(count: options.stores, folder: folder)
        var customers: [Customer] = []
        customers.reserveCapacity(options.customers)
        var count = 0
        for index in 0..<options.customers {
            let transactions = try generator.transactions(customerIndex: index)
            guard let home = try writer.add(transactions, nodeOf: { nodeOfStore[$0.storeID] ?? 0 }) else { continue }
            count += transactions.count
            let own = transactions.filter { nodeOfStore[$0.storeID] == home }
            customers.append(
                Customer(
                    id: RetailGenerator.customerID(index), home: home,
                    examples: job.extractor.examples(from: own, schedule: job.schedule)))
        }
        try writer.finish()
        return ChainData(
            description: "a generated chain (seed \(options.seed))", customers: customers, transactionCount: count,
            job: job)
    }

    /// The same from a retailer's export: `transactions.csv` with household, store, product and time, `products.csv` with
    /// the category of every product. Stores are spread over the nodes, largest first, each to the node with least so far.
    static func imported(
        options: DemonstrationOptions, from source: String, folder: (Int) -> String
    ) throws -> ChainData {
        let catalogue = try ProductCatalogue(
            csv: try bytes("\(source)/products.csv"), productColumn: "product_id", categoryColumn: "product_category")
        let mapping = ColumnMapping(
            customer: "household_id", store: "store_id", timestamp: "transaction_timestamp",
            category: .product(column: "product_id", catalogue: catalogue, unlisted: .category("unlisted")),
            quantity: "quantity", value: "sales_value")
        var importer = TransactionImporter(mapping: mapping)
        var rows: [Transaction] = []
        try importer.read(try bytes("\(source)/transactions.csv"), into: &rows)
        _ = try importer.finish(into: &rows)

        let vocabulary = try Vocabulary(catalogue: catalogue, count: 48)
        let end = (rows.map(\.timestampSeconds).max() ?? 0) + 1
        let job = try PropensityJob.defaults(
            vocabulary: vocabulary, schedule: try ExampleSchedule(endSeconds: end), rounds: options.rounds)
        let nodeOfStore = spread(rows, over: options.stores)
        var writer = try NodeFiles(count: options.stores, folder: folder)
        var customers: [Customer] = []
        let byCustomer = Dictionary(grouping: rows, by: \.customerID)
        for (id, transactions) in byCustomer.sorted(by: { $0.key < $1.key }) {
            guard let home = try writer.add(transactions, nodeOf: { nodeOfStore[$0.storeID] ?? 0 }) else { continue }
            let own = transactions.filter { nodeOfStore[$0.storeID] == home }
            customers.append(
                Customer(
                    id: id, home: home, examples: job.extractor.examples(from: own, schedule: job.schedule)))
        }
        try writer.finish()
        return ChainData(
            description: "a retailer's export (\(nodeOfStore.count) stores on \(options.stores) nodes)",
            customers: customers, transactionCount: rows.count, job: job)
    }

    private static func spread(_ rows: [Transaction], over nodes: Int) -> [String: Int] {
        var sizes: [String: Int] = [:]
        for row in rows { sizes[row.storeID, default: 0] += 1 }
        var load = [Int](repeating: 0, count: nodes)
        var result: [String: Int] = [:]
        for (store, size) in sizes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            let node = load.indices.min { load[$0] < load[$1] } ?? 0
            load[node] += size
            result[store] = node
        }
        return result
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        do { return [UInt8](try Data(contentsOf: URL(filePath: path))) } catch {
            throw DemonstrationFailure("cannot read \(path)")
        }
    }
}

/// The transaction files of all nodes, written as they come.
struct NodeFiles {
    private var buffers: [[UInt8]]
    private let handles: [OutputFile]

    init(count: Int, folder: (Int) -> String) throws {
        handles = try (0..<count).map { try OutputFile(path: "\(folder($0))/transactions.csv") }
        buffers = Array(
            repeating: [UInt8]("customer_id,store_id,timestamp,category,quantity,value\n".utf8), count: count)
    }

    /// Writes one customer's transactions to the nodes they happened at; returns the node with most of them.
    mutating func add(_ transactions: [Transaction], nodeOf: (Transaction) -> Int) throws -> Int? {
        var visits: [Int: Int] = [:]
        for row in transactions {
            let node = nodeOf(row)
            visits[node, default: 0] += 1
            let quoted = row.category.contains(",") || row.category.contains("\"")
            let category =
                quoted ? "\"\(row.category.split(separator: "\"").joined(separator: "\"\""))\"" : row.category
            buffers[node] += [UInt8](
                "\(row.customerID),\(row.storeID),\(row.timestampSeconds),\(category),\(row.quantity),\(row.value)\n"
                    .utf8)
            if buffers[node].count > 1 << 18 { try flush(node) }
        }
        return visits.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    mutating func finish() throws {
        for node in buffers.indices { try flush(node) }
    }

    private mutating func flush(_ node: Int) throws {
        try handles[node].write(buffers[node])
        buffers[node].removeAll(keepingCapacity: true)
    }
}
