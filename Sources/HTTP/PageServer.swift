import CMicroHTTPD
import Glibc
package import System

/// Gives one page to browsers, and nothing else; whoever asks changes nothing.
///
/// Answers are made of what is in memory, so that many questions cost no more than their sending:
/// within bounds of connections, of memory for each, and of time without a sign of the other side.
package final class PageServer {
  private var daemons: [OpaquePointer] = []
  private let content: Content

  /// The most connections, those from one address, the seconds that one may be idle, and the bytes
  /// for its question and its answer's head.
  ///
  /// A browser has six. Those of an address that are too many are closed at once, so that nobody
  /// keeps the others waiting, and idle ones make room soon.
  private static let bounds = (
    connections: UInt32(512), perAddress: UInt32(64), idleSeconds: UInt32(5), bytes: 16 << 10
  )

  /// The page's address for a browser on this machine.
  package private(set) var address = ""

  /// Starts giving a page.
  /// - Parameters:
  ///   - place: Where to listen.
  ///   - option: The option that named the place.
  ///   - page: The page, as HTML.
  ///   - script: The text of its script; no other one is run.
  /// - Throws: `Failure` (inputMissing) if the host is not known, (cannotCreate) if the port is
  ///   taken, not allowed, or the address is not this machine's.
  package init(
    at place: ServerPlace, option: String, page: String, script: String
  ) throws(Failure) {
    content = Content(page, script: script, isForThisMachine: place.isLoopback)
    var port = place.port
    do throws(Failure) {
      for host in place.host.map({ [$0] }) ?? ["127.0.0.1", "::1"] {
        for address in try Self.addresses(of: host, port: port, option: option) {
          try listen(at: address, host: host, port: port, option: option, mayLack: host == "::1")
          // A free port is the same one for all addresses.
          if port == 0, let first = daemons.first { port = UInt16(alexnet_mhd_port(first)) }
        }
      }
    } catch {
      stop()
      throw error
    }
    let host = place.host ?? "127.0.0.1"
    let named = ["0.0.0.0", "::"].contains(host) ? Machine.hostName : host
    address = "http://\(named.contains(":") ? "[\(named)]" : named):\(port)/"
  }

  deinit { stop() }

  /// Gives another page from now on.
  package func show(_ page: String) { content.show(page) }

  /// Ends all connections and listens no more.
  package func stop() {
    for daemon in daemons { MHD_stop_daemon(daemon) }
    daemons = []
  }

  /// The bytes of a socket's address.
  private typealias SocketAddress = [UInt8]

  /// The addresses of a host, each once.
  private static func addresses(
    of host: String, port: UInt16, option: String
  ) throws(Failure) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &list)
    guard code == 0 else {
      throw Failure(
        .inputMissing,
        "--\(option) names the host \(quoted(host)), which has no address "
          + "(\(String(cString: gai_strerror(code)))); check its name, or give the port alone.")
    }
    defer { freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = list
    while let entry = next?.pointee {
      if let address = entry.ai_addr {
        let bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))
        if !found.contains(bytes) { found.append(bytes) }
      }
      next = entry.ai_next
    }
    return found
  }

  /// Listens at an address, which the machine `mayLack`.
  private func listen(
    at address: SocketAddress, host: String, port: UInt16, option: String, mayLack: Bool
  ) throws(Failure) {
    errno = 0
    let daemon = address.withUnsafeBytes { bytes in
      alexnet_mhd_start(
        bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, Content.answer,
        Unmanaged.passUnretained(content).toOpaque(), Self.bounds.connections,
        Self.bounds.perAddress, Self.bounds.idleSeconds, Self.bounds.bytes)
    }
    if let daemon { return daemons.append(daemon) }
    let code = errno
    if mayLack, [EADDRNOTAVAIL, EAFNOSUPPORT].contains(code) { return }
    let remedy =
      switch code {
      case EADDRINUSE: "Another program listens there: give another port, or 0 for a free one."
      case EACCES: "Give a port of 1024 or more."
      case EADDRNOTAVAIL: "Name a host that is this machine, or give the port alone."
      default: ""
      }
    throw .system(
      .cannotCreate, "--\(option) cannot listen on port \(port) of \(quoted(host))", errno: code,
      remedy: remedy)
  }
}

/// What the server's threads answer.
private final class Content: @unchecked Sendable {
  private let monitor = Monitor()
  private let isForThisMachine: Bool
  private let policy: String
  private var page: OpaquePointer?
  private var tag = ""

  init(_ page: String, script: String, isForThisMachine: Bool) {
    self.isForThisMachine = isForThisMachine
    // The page's own script and pictures, and nothing from anywhere else.
    let sum = SHA256.base64(of: Array(script.utf8))
    policy =
      "default-src 'none'; script-src 'sha256-\(sum)'; style-src 'unsafe-inline'; img-src data:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    show(page)
  }

  deinit { MHD_destroy_response(page) }

  func show(_ text: String) {
    let bytes = Array(text.utf8)
    let tag = "\"\(SHA256.digest(of: bytes))\""
    let new = response(bytes, ["Content-Type": "text/html; charset=utf-8", "ETag": tag])
    let old = monitor.locked {
      defer { (page, self.tag) = (new, tag) }
      return page
    }
    // Connections that still send it keep it alive.
    MHD_destroy_response(old)
  }

  private func response(_ bytes: [UInt8], _ headers: [String: String]) -> OpaquePointer? {
    let response = bytes.withUnsafeBytes {
      MHD_create_response_from_buffer(
        $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
    let common = [
      "Cache-Control": "no-cache", "Content-Security-Policy": policy,
      "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    ]
    for (name, value) in common.merging(headers, uniquingKeysWith: { $1 }) {
      MHD_add_response_header(response, name, value)
    }
    return response
  }

  /// Answers a question as soon as its head is there; what follows the head is not read.
  static let answer: MHD_AccessHandlerCallback = {
    context, connection, path, method, _, _, _, _ in
    guard let context, let connection, let path, let method else { return .NO }
    return Unmanaged<Content>.fromOpaque(context).takeUnretainedValue().answer(
      connection, path: String(cString: path), method: String(cString: method))
  }

  private func answer(_ connection: OpaquePointer, path: String, method: String) -> MHD_Result {
    func header(_ name: String) -> String? {
      MHD_lookup_connection_value(connection, .HEADER_KIND, name).map { String(cString: $0) }
    }
    func send(_ status: Int32, _ text: String, _ headers: [String: String] = [:]) -> MHD_Result {
      let response = response(
        Array(text.utf8), ["Content-Type": "text/plain; charset=utf-8"].merging(headers) { $1 })
      defer { MHD_destroy_response(response) }
      return MHD_queue_response(connection, UInt32(status), response)
    }
    guard ["GET", "HEAD"].contains(method) else {
      return send(405, "Only GET and HEAD are answered.\n", ["Allow": "GET, HEAD"])
    }
    // A page elsewhere may give its own name this machine's address, and so read what is here.
    guard !isForThisMachine || Self.isLoopback(header("Host") ?? "localhost") else {
      return send(403, "Ask for localhost, or name the host to 'alexnet report --serve'.\n")
    }
    guard path == "/" else { return send(404, "There is one page here, at /.\n") }
    // The tag is that of the page: both change together.
    return monitor.locked {
      header("If-None-Match") == tag
        ? send(304, "", ["ETag": tag]) : MHD_queue_response(connection, 200, page)
    }
  }

  private static func isLoopback(_ host: String) -> Bool {
    ["localhost", "127.0.0.1", "[::1]"].contains { name in
      host.hasPrefix(name)
        && (host.count == name.count || host.dropFirst(name.count).first == ":")
    }
  }
}
