@main
enum ConcordTool {
    static func main() {}
}
