import System

/// What makes a page renew itself in a browser.
package enum LivingPage {
  /// The page's script; the only one that a server's browsers run.
  ///
  /// A page from a server is asked for again and its contents are exchanged, if they are others; a
  /// page from a file is loaded again. What the reader has opened, chosen and scrolled to stays.
  package static let script = #"""
    const seconds = 5;
    const main = document.querySelector("main");
    const all = (name) => [...document.querySelectorAll(name)];
    let tag = null;

    // Sections come and go: what is in them is known by their headings.
    function key(element) {
      const section = element.closest("section");
      return section.querySelector("h2").textContent
        + [...section.querySelectorAll(element.tagName)].indexOf(element);
    }

    function state() {
      return {
        open: all("details[open]").map(key),
        chosen: all("input:checked").map((input) => input.id),
        sides: all(".scroll").map((box) => [key(box), box.scrollLeft]),
        top: scrollY,
      };
    }

    function restore(before) {
      for (const details of all("details")) details.open = before.open.includes(key(details));
      for (const input of all("input")) input.checked = before.chosen.includes(input.id) || input.checked;
      const sides = new Map(before.sides);
      for (const box of all(".scroll")) box.scrollLeft = sides.get(key(box)) ?? 0;
      scrollTo({ top: before.top, behavior: "instant" });
    }

    async function renew() {
      // Nobody looks, or somebody copies text.
      if (document.hidden || !getSelection().isCollapsed) return;
      if (location.protocol === "file:") {
        sessionStorage.setItem(location.pathname, JSON.stringify(state()));
        return location.reload();
      }
      try {
        const answer = await fetch(location.pathname, { cache: "no-cache" });
        if (!answer.ok) throw new Error(answer.statusText);
        document.body.classList.remove("lost");
        if (answer.headers.get("ETag") === tag) return;
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        tag = answer.headers.get("ETag");
        const before = state();
        document.title = next.title;
        main.replaceChildren(...next.querySelector("main").childNodes);
        restore(before);
      } catch {
        document.body.classList.add("lost");
      }
    }

    const before = location.protocol === "file:" && sessionStorage.getItem(location.pathname);
    if (before) restore(JSON.parse(before));
    setInterval(renew, 1000 * seconds);
    document.addEventListener("visibilitychange", renew);
    """#

  /// The line that says how fresh the page is, and when the run has `recorded` something last, in
  /// seconds since 1970.
  package static func note(recorded: Int64?) -> String {
    "<p class=\"note living\">Made at <b>\(WallTime.ofDay())</b>"
      + (recorded.map { "; the last record is of <b>\(WallTime.ofDay($0))</b>" } ?? "")
      + ". <span>The program that renews this page does not answer.</span></p>\n"
  }
}
