@main
enum ConcordAgentTool {
    static func main() {}
}
