import Foundation
import Glibc
import HTTP
import System
import Testing

/// The server of one page, asked by bytes on a socket.
struct PageServerTests {
  private static let script = "let a = 1;"

  private func server(_ word: String = "0", page: String = "<p>one</p>") throws -> PageServer {
    try PageServer(
      at: ServerPlace(word, option: "serve"), option: "serve", page: page, script: Self.script)
  }

  private func port(of server: PageServer) throws -> UInt16 {
    try #require(server.address.split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
  }

  /// A connection to a server.
  private func connection(_ server: PageServer) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = try port(of: server).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(code == 0)
    return descriptor
  }

  /// The answer to some bytes, until the server closes the connection.
  private func ask(_ server: PageServer, _ question: String) throws -> String {
    let descriptor = try connection(server)
    defer { close(descriptor) }
    let bytes = Array(question.utf8)
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    var (answer, block) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
    while true {
      let count = recv(descriptor, &block, block.count, 0)
      guard count > 0 else { break }
      answer += block[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  private func question(
    _ method: String, _ path: String, host: String = "localhost:1", more: String = ""
  ) -> String {
    "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(more)Connection: close\r\n\r\n"
  }

  @Test func aPageIsGivenUntilAnotherIsShown() throws {
    let server = try server()
    let first = try ask(server, question("GET", "/?x=1"))
    #expect(first.hasPrefix("HTTP/1.1 200") && first.hasSuffix("\r\n\r\n<p>one</p>"), "\(first)")
    // printf 'let a = 1;' | openssl dgst -sha256 -binary | base64
    let sum = "xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck="
    #expect(first.contains("script-src 'sha256-\(sum)'"), "\(first)")
    let lines = first.replacing("\r\n", with: "\n").split(separator: "\n")
    let tag = try #require(lines.first { $0.hasPrefix("ETag: ") }).dropFirst(6)
    let same = question("GET", "/", more: "If-None-Match: \(tag)\r\n")
    #expect(try ask(server, same).hasPrefix("HTTP/1.1 304"))
    server.show("<p>two</p>")
    #expect(try ask(server, same).hasSuffix("<p>two</p>"))
    let head = try ask(server, question("HEAD", "/"))
    #expect(head.hasPrefix("HTTP/1.1 200") && head.hasSuffix("\r\n\r\n"), "\(head)")
  }

  @Test func nothingElseIsAnswered() throws {
    let server = try server()
    for path in ["/config.json", "/../etc/passwd", "/%2e%2e/config.json", "//", "/index.html"] {
      #expect(try ask(server, question("GET", path)).hasPrefix("HTTP/1.1 404"), "\(path)")
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
      let answer = try ask(server, question(method, "/", more: "Content-Length: 0\r\n"))
      #expect(answer.hasPrefix("HTTP/1.1 405") && answer.contains("Allow: GET, HEAD"), "\(answer)")
    }
    for host in ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example"] {
      #expect(try ask(server, question("GET", "/", host: host)).hasPrefix("HTTP/1.1 403"))
    }
    // A host that was told is known by any name, but for this machine's own.
    let told = try self.server("localhost:0")
    #expect(try ask(told, question("GET", "/", host: "evil.example")).hasPrefix("HTTP/1.1 403"))
    let open = try self.server("0.0.0.0:0")
    #expect(try ask(open, question("GET", "/", host: "node7:80")).hasPrefix("HTTP/1.1 200"))
    let long = question("GET", "/" + String(repeating: "a", count: 1 << 20))
    #expect(!(try ask(server, long)).contains(" 200 "))
    #expect(try ask(server, question("GET", "/", host: "[::1]:8")).hasPrefix("HTTP/1.1 200"))
  }

  @Test func connectionsHaveBounds() throws {
    let server = try server()
    // Of an address there are 64 at once; those beyond are closed and keep nobody waiting.
    let idle = try (0..<300).map { _ in try connection(server) }
    defer { for descriptor in idle.dropFirst() { close(descriptor) } }
    var byte: UInt8 = 0
    #expect(recv(idle[299], &byte, 1, 0) <= 0)
    close(idle[0])
    #expect(try askWhenThereIsRoom(server).hasPrefix("HTTP/1.1 200"))
    // The server ends although others are open.
    server.stop()
    #expect(recv(idle[1], &byte, 1, 0) <= 0)
  }

  @Test func idleConnectionsMakeRoomByThemselves() throws {
    let server = try server()
    let idle = try (0..<64).map { _ in try connection(server) }
    defer { for descriptor in idle { close(descriptor) } }
    var end = pollfd(fd: idle[63], events: Int16(POLLIN), revents: 0)
    #expect(poll(&end, 1, 12_000) == 1)
    #expect(try askWhenThereIsRoom(server).hasPrefix("HTTP/1.1 200"))
  }

  /// The answer once the server has noticed, a moment later, that a connection has ended.
  private func askWhenThereIsRoom(_ server: PageServer) throws -> String {
    for _ in 0..<40 {
      let answer = try ask(server, question("GET", "/"))
      if !answer.isEmpty { return answer }
      usleep(50_000)
    }
    return ""
  }

  @Test func placesAreReadOrRefused() throws {
    for (word, host, port) in [
      ("8000", nil, 8000), ("node7:80", "node7", 80), ("[::1]:0", "::1", 0),
      ("192.0.2.7:65535", "192.0.2.7", 65535),
    ] as [(String, String?, UInt16)] {
      let place = try ServerPlace(word, option: "serve")
      #expect(place.host == host && place.port == port, "\(word)")
    }
    for word in ["", "x", "65536", "-1", ":80", "::1:80", "[]:80", "a:", "8000 ", "１"] {
      #expect(throws: Failure.self, "\(word)") { try ServerPlace(word, option: "serve") }
    }
  }

  @Test func takenPortsAndUnknownHostsAreSaid() throws {
    let first = try server()
    let port = try port(of: first)
    for word in ["\(port)", "127.0.0.1:\(port)"] {
      let failure = #expect(throws: Failure.self) { try server(word) }
      #expect(failure?.exitCode == .cannotCreate)
      #expect(failure?.message.contains("already in use") == true, "\(failure?.message ?? "")")
    }
    let unknown = #expect(throws: Failure.self) { try server("no.such.host.invalid:0") }
    #expect(unknown?.exitCode == .inputMissing && unknown?.message.contains("no.such") == true)
    // An address for documentation (RFC 5737), which is nobody's.
    let foreign = #expect(throws: Failure.self) { try server("192.0.2.7:0") }
    #expect(foreign?.message.contains("Name a host that is this machine") == true)
    first.stop()
    _ = try server("\(port)")
  }
}
