import Foundation
import TestSupport
import Testing

/// `alexnet-train --timeline`, read back by a program that is not ours.
@Suite(.serialized) struct TimelineCommandTests {
  private let scratch = TemporaryFolder()

  private func train(_ arguments: [String]) throws -> Outcome {
    try Program.train(
      ranks: 2,
      [
        "--data", try Pictures.small.get().path + "/dataset", "--out", scratch.path + "/run",
        "--network", "cifar-four-layer", "--batch-size", "32", "--threads", "1", "--max-steps",
        "8", "--validate-every", "4",
      ] + arguments)
  }

  /// Reads a trace by Python's own gzip and json, and by the format's rules: prints what it found.
  private static let reader = """
    import collections, gzip, json, sys
    trace = json.load(gzip.open(sys.argv[1]))
    steps = {}
    for line in open(sys.argv[2]):
        record = json.loads(line)
        if record["kind"] == "step": steps[record["step"]] = record["seconds"]
    open_spans, last, flows = collections.defaultdict(list), {}, collections.defaultdict(list)
    names, found, links = {}, {}, 0
    for event in trace["traceEvents"]:
        track = event["pid"], event["tid"]
        if event["ph"] == "M" and event["name"] == "process_name":
            names[event["pid"]] = event["args"]["name"]
        if event["ph"] in "BE":
            assert event["ts"] >= last.get(track, 0), event
            last[track] = event["ts"]
        if event["ph"] == "B":
            open_spans[track].append(event)
            links += event["cat"] == "link" and event["args"]["bytes"] > 0
        if event["ph"] == "E":
            begin = open_spans[track].pop()
            if begin["cat"] == "step" and event["pid"] == 0:
                found[int(begin["name"].split()[1])] = (event["ts"] - begin["ts"]) / 1e6
        if event["ph"] in "stf": flows[event["id"]].append(event)
    assert not any(open_spans.values())
    for flow in flows.values():
        assert flow[0]["ph"] == "s" and flow[-1]["ph"] == "f", flow
        assert flow[0]["pid"] != flow[-1]["pid"]
        assert [e["ts"] for e in flow] == sorted(e["ts"] for e in flow), flow
    assert trace["otherData"]["unmatched"] == 0 and trace["otherData"]["dropped"] == [0, 0]
    # A span holds what its record counts, rounded to nanoseconds, and all lie within the run.
    for step, seconds in found.items():
        assert seconds > steps[step] - 1e-7, (step, seconds, steps[step])
    assert sum(found.values()) < float(sys.argv[3]), (found, sys.argv[3])
    print(sorted(found), len(names), links == len(flows) > 0, names[1].endswith(":1, tower 1"))
    """

  @Test func theTimelineAgreesWithTheFormatAndWithTheRecords() throws {
    let path = scratch.path + "/timeline.json.gz"
    let outcome = try train(["--timeline", path, "--timeline-steps", "3:6"])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(outcome.output.contains("Wrote the timeline"), "\(outcome.output)")
    let reading = try Program.run([
      "python3", "-c", Self.reader, path, scratch.path + "/run/metrics.jsonl",
      "\(outcome.seconds)",
    ])
    #expect(reading.output == "[3, 4, 5, 6] 2 True True\n", "\(reading.error)")
  }

  @Test func theReportDrawsAStep() throws {
    let (path, picture) = (scratch.path + "/timeline.json", scratch.path + "/step.svg")
    let outcome = try train(["--timeline", path, "--timeline-steps", "5:7"])
    #expect(outcome.code == 0, "\(outcome.error)")
    let report = try Program.alexnet(
      "report", scratch.path + "/run", "--images", "0", "--timeline", path, "--step", picture)
    #expect(report.code == 0, "\(report.error)")
    let page = try String(contentsOfFile: scratch.path + "/run/report.html", encoding: .utf8)
    #expect(page.contains("<h2>A step</h2>") && page.contains("of it under arithmetic"))
    let svg = try String(contentsOfFile: picture, encoding: .utf8)
    for text in ["rank 0, tower 0", "rank 1, tower 1", "link from rank 1", "conv2", "update"] {
      #expect(svg.contains(text), "\(text)")
    }
    #expect(!svg.contains("var("))
    let reading = try Program.run([
      "python3", "-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])",
      picture,
    ])
    #expect(reading.code == 0, "\(reading.error)")
    // Messages on a track that no rank has.
    let edit = """
      import json, sys
      trace = json.load(open(sys.argv[1]))
      links = [e for e in trace["traceEvents"] if e.get("cat") == "link"]
      tracks = {(e["pid"], e["tid"]) for e in links}
      for e in trace["traceEvents"]:
          if (e["pid"], e.get("tid")) in tracks: e["tid"] = -2**63
      json.dump(trace, open(sys.argv[1], "w"))
      """
    #expect(try Program.run(["python3", "-c", edit, path]).code == 0)
    let odd = try Program.alexnet(
      "report", scratch.path + "/run", "--images", "0", "--timeline", path)
    #expect(odd.code == 0, "\(odd.error)")
    try "{".write(toFile: path, atomically: true, encoding: .utf8)
    let damaged = try Program.alexnet("report", scratch.path + "/run", "--timeline", path)
    #expect(damaged.code == 65 && damaged.error.contains("is not JSON: line 1"), "\(damaged.error)")
  }

  /// Eight steps, and the default is 10:20.
  @Test func theDefaultIsCutToTheStepsOfTheRun() throws {
    let path = scratch.path + "/timeline.json.gz"
    let outcome = try train(["--timeline", path])
    #expect(outcome.code == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("of the steps 1:8; --timeline-steps is 10:20 where it is not given"),
      "\(outcome.output)")
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test func stepsThatTheRunWillNotDoAreRefused() throws {
    for (arguments, sentence) in [
      (["--timeline-steps", "3:4"], "--timeline-steps needs --timeline FILE"),
      (["--timeline", scratch.path + "/t", "--timeline-steps", "7:9"], "the run will do, 1:8"),
      (["--timeline", scratch.path + "/t", "--timeline-steps", "4:3"], "such as 10:20"),
    ] {
      let outcome = try train(arguments)
      #expect(outcome.code == 64 && outcome.error.contains(sentence), "\(outcome.error)")
    }
  }
}
