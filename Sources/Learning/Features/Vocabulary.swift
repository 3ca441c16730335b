// The categories a model speaks of. Public and fixed for a job: it comes from the product catalogue, which says what is
// on the shelves, never from sales, which say what customers did.

import WireFormat

/// An ordered list of distinct product categories; a category's index is its row in the model.
public struct Vocabulary: WireMessage, Sendable {
    /// The categories in model order.
    public let categories: [String]
    private let indices: [String: Int]

    /// Most categories of a model.
    public static let maximumCount = 1024

    /// Number of categories, K.
    public var count: Int { categories.count }

    /// Fixes a list.
    /// - Throws: ``LearningError/invalid(field:expected:)`` unless the list has 1 to 1024 distinct names of 1 to 256 bytes
    ///   without control characters.
    public init(_ categories: [String]) throws(LearningError) {
        guard (1...Self.maximumCount).contains(categories.count) else {
            throw .invalid(field: "vocabulary", expected: "1 to \(Self.maximumCount) categories")
        }
        var indices: [String: Int] = [:]
        for (index, category) in categories.enumerated() {
            guard FieldParser.text([UInt8](category.utf8)[...]) != nil else {
                throw .invalid(field: "vocabulary category", expected: FieldParser.textExpectation)
            }
            guard indices.updateValue(index, forKey: category) == nil else {
                throw .invalid(field: "vocabulary", expected: "distinct categories")
            }
        }
        self.categories = categories
        self.indices = indices
    }

    /// The `count` categories with most products in the catalogue, most first; ties in order of their UTF-8 bytes.
    /// - Throws: ``LearningError/invalid(field:expected:)`` if the catalogue has fewer categories.
    public init(catalogue: ProductCatalogue, count: Int) throws(LearningError) {
        try self.init(productCounts: catalogue.productCounts, count: count)
    }

    /// The `count` categories with most products, most first; ties in order of their UTF-8 bytes.
    /// - Throws: ``LearningError/invalid(field:expected:)`` if there are fewer categories.
    public init(productCounts: [String: Int], count: Int) throws(LearningError) {
        guard count >= 1, count <= productCounts.count else {
            throw .invalid(field: "vocabulary size", expected: "1 to the catalogue's \(productCounts.count) categories")
        }
        let ranked = productCounts.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        try self.init(ranked.prefix(count).map(\.key))
    }

    /// The row of a category, or nil for one the model does not know.
    public func index(of category: String) -> Int? { indices[category] }

    /// The message's name in the CDDL.
    public static let messageName = "vocabulary"

    /// Field 1: the names in order.
    public var cborValue: CBORValue { .message((1, .array(categories.map(CBORValue.text)))) }

    /// Reads the list.
    /// - Throws: `WireFormatError`.
    public init(reading fields: inout MessageReader) throws(WireFormatError) {
        let names = try fields.array(1, "categories", maximum: Self.maximumCount) {
            (value) throws(WireFormatError) -> String in
            guard case .text(let name) = value else {
                throw .unexpected(field: "vocabulary.categories", expected: "texts")
            }
            return name
        }
        do throws(LearningError) {
            try self.init(names)
        } catch {
            throw .unexpected(field: "vocabulary.categories", expected: "distinct names, each of 1 to 256 bytes")
        }
    }
}
