// What can be wrong with the shape of a vector. Numbers in these errors are public parameters, never data.

/// An error of this module.
public enum VectorsError: Error, Equatable, CustomStringConvertible {
    /// No such lane layout.
    case unknownLayout(lanes: Int, bits: Int)
    /// A vector has another length than its layout and dimension ask for.
    case wrongLength(of: String, expected: Int, actual: Int)

    /// Safe to log: carries no data.
    public var description: String {
        switch self {
        case .unknownLayout(let lanes, let bits):
            "vectors.unknownLayout: \(lanes) lanes of \(bits) bits; known are 2×32, 3×21 and 4×16"
        case .wrongLength(let name, let expected, let actual):
            "vectors.wrongLength: \(name) has \(actual) elements, expected \(expected)"
        }
    }
}
