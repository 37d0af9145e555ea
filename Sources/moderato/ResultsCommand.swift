import ArgumentParser
import Foundation
import SweepCore
import SweepReport
import SweepStore
import SweepWire

struct ResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results",
        abstract: "Show CACC and ASR of every setting of a sweep.",
        discussion: """
            Examples:
              moderato results                          a table of the sweep submitted last
              moderato results --sweep movie-reviews --csv > results.csv
              moderato results --html results.html      a page with charts
              moderato results --access client.access   from another machine

            Without --access the store in the coordinator's home is read, whether a coordinator runs
            or not.
            """)

    @OptionGroup var access: AccessOption

    @Option(help: ArgumentHelp("Which sweep. Default: the one submitted last.", valueName: "name"))
    var sweep = ""

    @Flag(help: "Print CSV, a line for each point.")
    var csv = false

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: ArgumentHelp("Write a page with charts, complete in itself.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Write the line chart alone, as SVG.", valueName: "file"))
    var svg: String?

    func validate() throws {
        if csv && json { throw ValidationError("--csv or --json, not both") }
    }

    func run() throws {
        for path in [html, svg] { try OutputFile.check(path) }
        let results = SweepResults(try fetch())
        if let html { try OutputFile.write(ResultsPage(results).html, to: html) }
        if let svg {
            guard let chart = ResultsPage.chartSVG(results) else {
                throw failure("nothing is finished yet, so there is no chart", Exit.unavailable)
            }
            try OutputFile.write(chart, to: svg)
        }
        if csv {
            ResultsExport(results).writeCSV { say($0, terminator: "") }
        } else if json {
            ResultsExport(results).writeJSON { say($0, terminator: "") }
        } else if html == nil, svg == nil {
            showTable(of: results)
        }
    }

    private func fetch() throws -> GatheredResults {
        if access.access != nil { return try fetch(through: access.dial()) }
        do {
            return try SweepStore.reading(path: access.home.folder.storePath).results(of: sweep)
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
    }

    private func fetch(through dialer: Dialer) throws -> GatheredResults {
        var results = GatheredResults(of: sweep)
        while results.goesOn {
            guard case .results(let slice) = try dialer.ask(results.question) else {
                throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
            }
            results.add(slice)
        }
        return results
    }
}

/// On a terminal a long table goes through a pager; without one it is cut.
func showTable(of results: SweepResults, usesPager: Bool = true) {
    let table = ResultsTable(results)
    let width = Terminal.width
    let isCut = Terminal.isThere && !(usesPager && Terminal.canRedraw && Pager.isThere)
    let text = table.text(
        isTerminal: Terminal.hasColours, width: width, most: isCut ? mostRows : .max)
    let lines = text.utf8.count { $0 == UInt8(ascii: "\n") }
    func show() {
        say(text)
        if isCut, results.points.count > mostRows {
            say("All of a long table:  moderato results | less      or with --csv, --html FILE")
        }
    }
    if isCut { show() } else { Pager.show(lines, show) }
}

/// Of a table on a terminal without a pager.
private let mostRows = 200
