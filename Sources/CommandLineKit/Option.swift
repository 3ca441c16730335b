// Options and positional arguments, declared as data: the parser and the help text read the same declaration, so they
// cannot disagree.

/// A `--name` a command understands.
public struct Option: Sendable {
    enum Kind: Sendable {
        case flag
        case value(placeholder: String, defaultValue: String?, isRequired: Bool, isRepeated: Bool)
    }

    let name: String
    let letter: Character?
    let kind: Kind
    let help: String

    /// A switch that is on or off: `--json`.
    /// - Parameters:
    ///   - name: Without the dashes.
    ///   - letter: A one-letter form, `-j`.
    ///   - help: One line.
    public static func flag(_ name: String, letter: Character? = nil, _ help: String) -> Option {
        Option(name: name, letter: letter, kind: .flag, help: help)
    }

    /// An option with a value: `--rounds 5` or `--rounds=5`.
    /// - Parameters:
    ///   - name: Without the dashes.
    ///   - letter: A one-letter form, `-n 5`.
    ///   - placeholder: What help prints for the value.
    ///   - defaultValue: Used when the option is absent; help prints it.
    ///   - isRequired: Whether its absence is a usage error.
    ///   - help: One line.
    public static func value(
        _ name: String, letter: Character? = nil, placeholder: String, default defaultValue: String? = nil,
        isRequired: Bool = false, _ help: String
    ) -> Option {
        let kind = Kind.value(
            placeholder: placeholder, defaultValue: defaultValue, isRequired: isRequired, isRepeated: false)
        return Option(name: name, letter: letter, kind: kind, help: help)
    }

    /// An option that may be given several times: `--store a --store b`.
    /// - Parameters:
    ///   - name: Without the dashes.
    ///   - letter: A one-letter form.
    ///   - placeholder: What help prints for each value.
    ///   - isRequired: Whether at least one is required.
    ///   - help: One line.
    public static func values(
        _ name: String, letter: Character? = nil, placeholder: String, isRequired: Bool = false, _ help: String
    ) -> Option {
        let kind = Kind.value(placeholder: placeholder, defaultValue: nil, isRequired: isRequired, isRepeated: true)
        return Option(name: name, letter: letter, kind: kind, help: help)
    }

    /// The `--json` every command with a machine-readable result offers; see ``Arguments/wantsJSON``.
    public static let json = Option.flag("json", "print the result as JSON")

    var flagText: String { "--" + name }
}

/// An argument known by its place.
public struct Positional: Sendable {
    enum Arity: Sendable {
        case one
        case optional
        case many(atLeastOne: Bool)
    }

    let name: String
    let arity: Arity
    let help: String

    /// Exactly one: `<file>`.
    public static func one(_ name: String, _ help: String) -> Positional {
        Positional(name: name, arity: .one, help: help)
    }

    /// One or none: `[<file>]`. Only optional ones may follow.
    public static func optional(_ name: String, _ help: String) -> Positional {
        Positional(name: name, arity: .optional, help: help)
    }

    /// All that remain: `<file>...`. Must be last.
    public static func many(_ name: String, atLeastOne: Bool = true, _ help: String) -> Positional {
        Positional(name: name, arity: .many(atLeastOne: atLeastOne), help: help)
    }

    var usage: String {
        switch arity {
        case .one: "<\(name)>"
        case .optional: "[<\(name)>]"
        case .many(let atLeastOne): atLeastOne ? "<\(name)>..." : "[<\(name)>...]"
        }
    }
}
