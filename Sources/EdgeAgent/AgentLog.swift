// The agent's log: one JSON object a line, from a fixed list of events, with public values only.

import Glibc

/// Writes event lines to standard error.
struct AgentLog: Sendable {
    let store: String

    func event(_ name: StaticString, _ fields: KeyValuePairs<StaticString, String> = [:]) {
        var line = "{\"ms\":\(EdgeAgent.nowMilliseconds()),\"component\":\"agent \(store)\",\"event\":\"\(name)\""
        for (key, value) in fields {
            let safe = String(value.map { $0 == "\"" || $0 == "\\" || $0.isNewline ? " " : $0 })
            line += ",\"\(key)\":\"\(safe)\""
        }
        line += "}\n"
        line.withCString { text in _ = Glibc.write(STDERR_FILENO, text, strlen(text)) }
    }
}
