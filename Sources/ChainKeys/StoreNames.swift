/// Names of store nodes in development chains.
public enum StoreNames {
    /// `store-001`, `store-002`, …
    public static func numbered(_ count: Int) -> [String] {
        (1...max(1, count)).map { number in
            let digits = String(number)
            return "store-" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        }
    }
}
