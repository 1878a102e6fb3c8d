extension HTML {
  /// A hidden field.
  static func hidden(_ name: String, _ value: String) -> HTML {
    "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
  }

  /// The token of a form.
  static func hidden(_ token: FormToken) -> HTML { hidden(token.name, token.value) }

  /// A report of what went wrong, read out at once by a screen reader.
  static func alert(_ text: String) -> HTML { "<p class=\"note\" role=\"alert\">\(text)</p>" }

  /// A report of what was done.
  static func status(_ text: String) -> HTML { "<p class=\"note good\" role=\"status\">\(text)</p>" }

  /// Two speech bubbles.
  static let weChatMark: HTML = """
    <svg viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path fill-rule="evenodd" d="M9 3.5c-4.1 0-7.5 2.8-7.5 \
    6.2 0 1.9 1.1 3.6 2.8 4.8l-.7 2.2 2.6-1.3c.7.2 1.4.4 2.2.4a6 6 0 0 1-.2-1.5c0-3.3 3.2-5.9 7-5.9h.9C15.5 5.6 12.5 \
    3.5 9 3.5zM6.5 6.6a1 1 0 1 1 0 2 1 1 0 0 1 0-2zm5 0a1 1 0 1 1 0 2 1 1 0 0 1 0-2z"/><path fill-rule="evenodd" \
    d="M22.5 14.3c0-2.9-2.8-5.2-6.3-5.2s-6.3 2.3-6.3 5.2 2.8 5.2 6.3 5.2c.7 0 1.4-.1 2-.3l2.1 \
    1.1-.6-1.8c1.7-1 2.8-2.5 2.8-4.2zm-8.4-2.5a.9.9 0 1 1 0 1.8.9.9 0 0 1 0-1.8zm4.2 0a.9.9 0 1 1 0 1.8.9.9 0 0 1 \
    0-1.8z"/></svg>
    """

  /// A tick.
  static let tick: HTML = """
    <svg class="tick" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" \
    stroke-linejoin="round" aria-hidden="true"><path d="M4 10.5l4 4 8-9"/></svg>
    """
}
