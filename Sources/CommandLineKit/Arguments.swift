// What the user typed, parsed, with typed access. Each accessor checks its value and names the option in its error, so a
// command reads all its arguments first and does its work afterwards.

/// The parsed arguments of one command. Asking for a name the command did not declare is a mistake in the program and
/// stops it.
public struct Arguments: Sendable {
    /// Where the command prints.
    public let console: Console
    let declared: [String: Option]
    let positionals: [Positional]
    let flags: Set<String>
    let values: [String: [String]]
    let positionalValues: [String: [String]]

    /// Whether `--json` was given: print one JSON value to standard output and nothing else there.
    public var wantsJSON: Bool { flags.contains(Option.json.name) }

    /// Whether a flag was given.
    public func flag(_ name: String) -> Bool {
        guard case .flag = option(name).kind else { preconditionFailure("--\(name) takes a value") }
        return flags.contains(name)
    }

    /// The value of an option or positional argument, or its default; `nil` if it has neither.
    public func optionalString(_ name: String) -> String? { strings(name).last }

    /// The value of an option or positional argument, or its default.
    /// - Throws: ``UsageError/missingOption(_:)`` or ``UsageError/missingArgument(_:)``.
    public func string(_ name: String) throws(UsageError) -> String {
        guard let value = optionalString(name) else {
            throw isPositional(name) ? .missingArgument(name) : .missingOption("--" + name)
        }
        return value
    }

    /// All values of a repeated option, or of a positional argument that takes many, in order.
    public func strings(_ name: String) -> [String] {
        if isPositional(name) { return positionalValues[name] ?? [] }
        guard case .value(_, let defaultValue, _, _) = option(name).kind else {
            preconditionFailure("--\(name) takes no value")
        }
        return values[name] ?? defaultValue.map { [$0] } ?? []
    }

    /// A whole number in a range.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``, and as ``string(_:)``.
    public func integer(_ name: String, in range: ClosedRange<Int> = .min ... .max) throws(UsageError) -> Int {
        try parse(name, try string(name), expected: Self.description(of: range)) {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A whole number in a range, or `nil` if the option is absent and has no default.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``.
    public func optionalInteger(
        _ name: String, in range: ClosedRange<Int> = .min ... .max
    ) throws(UsageError) -> Int? {
        optionalString(name) == nil ? nil : try integer(name, in: range)
    }

    /// A finite number in a range.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``, and as ``string(_:)``.
    public func number(
        _ name: String, in range: ClosedRange<Double> = -.infinity ... .infinity
    ) throws(UsageError) -> Double {
        let bounds = range == -.infinity ... .infinity ? "" : " from \(range.lowerBound) to \(range.upperBound)"
        return try parse(name, try string(name), expected: "a number" + bounds) {
            Double($0).flatMap { $0.isFinite && range.contains($0) ? $0 : nil }
        }
    }

    /// A number in a range, or `nil` if the option is absent and has no default.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``.
    public func optionalNumber(
        _ name: String, in range: ClosedRange<Double> = -.infinity ... .infinity
    ) throws(UsageError) -> Double? {
        optionalString(name) == nil ? nil : try number(name, in: range)
    }

    /// One of the raw values of an enumeration.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``, and as ``string(_:)``.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(UsageError) -> Choice where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return try parse(name, try string(name), expected: "one of \(names)") { Choice(rawValue: $0) }
    }

    /// A value of any type.
    /// - Parameters:
    ///   - expected: What the error says was expected, as in "a name of at most 64 letters".
    ///   - convert: The value of a text, or `nil` if it is none.
    /// - Throws: ``UsageError/invalidValue(_:name:expected:)``, and as ``string(_:)``.
    public func value<Value>(
        _ name: String, expected: String, _ convert: (String) -> Value?
    ) throws(UsageError) -> Value {
        try parse(name, try string(name), expected: expected, convert)
    }

    private func parse<Value>(
        _ name: String, _ text: String, expected: String, _ convert: (String) -> Value?
    ) throws(UsageError) -> Value {
        guard let value = convert(text) else {
            throw .invalidValue(text, name: isPositional(name) ? "<\(name)>" : "--\(name)", expected: expected)
        }
        return value
    }

    private func isPositional(_ name: String) -> Bool { positionals.contains { $0.name == name } }

    private func option(_ name: String) -> Option {
        guard let option = declared[name] else { preconditionFailure("the command declares no '\(name)'") }
        return option
    }

    private static func description(of range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (.min, .max): "a whole number"
        case (let lower, .max): "a whole number of at least \(lower)"
        case (.min, let upper): "a whole number of at most \(upper)"
        case (let lower, let upper): "a whole number from \(lower) to \(upper)"
        }
    }
}
