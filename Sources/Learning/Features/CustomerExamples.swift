// What a customer's own history becomes before training: a few sparse vectors and the categories bought afterwards.

/// One (features, labels) pair of one customer. Personal data.
public struct Example: Equatable, Sendable {
    /// Indices of the features that are not zero, ascending.
    public let featureIndices: [UInt16]
    /// Their values, in 0 ... 1.
    public let featureValues: [Float]
    /// The categories bought in the period after the cut-off, ascending.
    public let positives: [UInt16]

    /// Pairs features with labels.
    /// - Precondition: as many indices as values.
    public init(featureIndices: [UInt16], featureValues: [Float], positives: [UInt16]) {
        precondition(featureIndices.count == featureValues.count, "a feature has an index and a value")
        self.featureIndices = featureIndices
        self.featureValues = featureValues
        self.positives = positives
    }
}

/// Everything training and evaluation use of one customer. Personal data; it stays at the node.
public struct CustomerExamples: Equatable, Sendable {
    /// Examples to train on, oldest first; a window without any purchase before its cut-off has none.
    public let training: [Example]
    /// The held-out example, if the customer bought anything before its cut-off.
    public let evaluation: Example?

    /// Collects a customer's examples.
    public init(training: [Example], evaluation: Example?) {
        self.training = training
        self.evaluation = evaluation
    }
}
