// The store's own transactions, in memory, by pseudonymous handle. Read once; what leaves this file is examples of one
// customer at a time.

import Consent
import FoundationEssentials
import Learning

/// Transactions of this store's customers.
struct CustomerData: Sendable {
    private let transactions: [SubjectHandle: [Transaction]]

    /// Reads every `*.csv` of a folder in the general schema.
    /// - Throws: `ImportError` naming line and field; a refused file refuses the start.
    init(folder: String, maximumSkippedRows: Int, handle: (String) throws -> SubjectHandle) throws {
        var byCustomer: [String: [Transaction]] = [:]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".csv") }.sorted()
        for name in names {
            var importer = TransactionImporter(mapping: .general, maximumSkippedRows: maximumSkippedRows)
            let file = try FileHandleReader(path: "\(folder)/\(name)")
            var rows: [Transaction] = []
            while let chunk = try file.next() { try importer.read(chunk, into: &rows) }
            _ = try importer.finish(into: &rows)
            for row in rows { byCustomer[row.customerID, default: []].append(row) }
        }
        transactions = Dictionary(uniqueKeysWithValues: try byCustomer.map { (try handle($0.key), $0.value) })
    }

    /// One customer's examples under a job's public constants.
    func examples(of handle: SubjectHandle, job: PropensityJob, extractor: FeatureExtractor) -> CustomerExamples? {
        transactions[handle].map { extractor.examples(from: $0, schedule: job.schedule) }
    }
}
