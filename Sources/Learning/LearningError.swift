// Errors of the learning core. They name the field and what was expected, never a value: values derive from customers.

/// A value that the learning core refuses.
public enum LearningError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A vector or tensor has another length than the model's layout.
    case wrongLength(of: String, expected: Int, actual: Int)
    /// A vector holds NaN or an infinity.
    case notFinite(String)
    /// A setting is outside its range.
    case invalid(field: String, expected: String)

    /// Safe to log: carries no customer data.
    public var description: String {
        switch self {
        case .wrongLength(let of, let expected, let actual): "\(of): expected \(expected) values, got \(actual)"
        case .notFinite(let what): "\(what) holds a value that is not finite"
        case .invalid(let field, let expected): "\(field): expected \(expected)"
        }
    }
}
