// Logs: one JSON object a line, from a fixed list of events. Fields are public values the caller chose: session prefixes,
// counts, reasons. There is no way to hand this type a body, a handle or a key by accident: it takes strings only, and the
// leak test searches everything written.

import Glibc

/// Writes event lines to standard error.
public struct EventLog: Sendable {
    private let clock: any Clock
    private let component: String

    /// A log of one component.
    public init(component: String, clock: any Clock) {
        self.component = component
        self.clock = clock
    }

    /// Writes one line.
    public func event(_ name: StaticString, _ fields: KeyValuePairs<StaticString, String> = [:]) {
        var line = "{\"ms\":\(clock.nowMilliseconds()),\"component\":\(Self.quoted(component)),\"event\":\"\(name)\""
        for (key, value) in fields { line += ",\"\(key)\":\(Self.quoted(value))" }
        line += "}\n"
        line.withCString { text in _ = write(STDERR_FILENO, text, strlen(text)) }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
