@main
enum ConcordVerifyTool {
    static func main() {}
}
