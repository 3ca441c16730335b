// libFuzzer around one target. CONCORD_FUZZ_TARGET names it; everything on the command line is libFuzzer's
// (https://llvm.org/docs/LibFuzzer.html). Built by `make fuzz` only: it needs the compiler's coverage instrumentation.

import FuzzTargets
import Glibc

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

// A C callback captures nothing, so what it needs is a constant of the whole program.
private let target = getenv("CONCORD_FUZZ_TARGET").flatMap { FuzzTarget.named(String(cString: $0)) }

if target == nil {
    for target in FuzzTarget.all { print(target.name, target.maximumLength) }
    exit(0)
}

var argumentCount = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
    runFuzzer(&argumentCount, &arguments) { data, size in
        do throws(FuzzFinding) {
            try target?.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    })
