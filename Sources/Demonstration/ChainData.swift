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
        let job = try job(
            vocabulary: vocabulary, schedule: try ExampleSchedule(endSeconds: generator.endSeconds),
            customers: options.customers, rounds: options.rounds)
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

    /// The same from a retailer's export, read by its ``DataMapping``. Stores are spread over the nodes, largest first, each to the node with least so far.
    static func imported(
        options: DemonstrationOptions, from source: String, folder: (Int) -> String
    ) throws -> ChainData {
        let mapping = try DataMapping.of(source)
        let catalogue = try mapping.readCatalogue(source)
        var importer = TransactionImporter(
            mapping: try mapping.columns(catalogue), maximumSkippedRows: mapping.maximumSkippedRows ?? 0)
        var rows: [Transaction] = []
        let file = try bytes("\(source)/\(mapping.transactions)")
        for start in stride(from: 0, to: file.count, by: 1 << 20) {
            try importer.read([UInt8](file[start..<min(start + (1 << 20), file.count)]), into: &rows)
        }
        _ = try importer.finish(into: &rows)

        let vocabulary = try Self.vocabulary(catalogue, rows: rows)
        let end = (rows.map(\.timestampSeconds).max() ?? 0) + 1
        // A thin export has few purchases in four weeks; eight give the model something to predict.
        let job = try job(
            vocabulary: vocabulary, schedule: try ExampleSchedule(endSeconds: end, periodWeeks: 8),
            customers: Set(rows.map(\.customerID)).count, rounds: options.rounds)
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

    /// The job for a chain of a public size. With few customers the noise of a round weighs more, so the server takes
    /// smaller steps; the numbers were found on generated chains, so no customer's data chose them.
    private static func job(
        vocabulary: Vocabulary, schedule: ExampleSchedule, customers: Int, rounds: Int
    ) throws -> PropensityJob {
        let standard = try PropensityJob.defaults(vocabulary: vocabulary, schedule: schedule, rounds: rounds)
        guard customers < 5_000 else { return standard }
        return try PropensityJob(
            vocabulary: vocabulary, constants: standard.constants, schedule: schedule, training: standard.training,
            clipNorm: standard.clipNorm, serverRule: .fedAvgM(learningRate: 2, momentum: 0.6), ownCategoryScale: 20,
            initialLogOdds: standard.initialLogOdds, rounds: rounds)
    }

    /// The categories with most products in the public catalogue. Without a catalogue the file's own list of categories is
    /// taken, by name and without looking at how much of each was bought.
    private static func vocabulary(_ catalogue: ProductCatalogue?, rows: [Transaction]) throws -> Vocabulary {
        if let catalogue { return try Vocabulary(catalogue: catalogue, count: min(48, catalogue.productCounts.count)) }
        return try Vocabulary(Array(Set(rows.map(\.category)).sorted().prefix(1024)))
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
