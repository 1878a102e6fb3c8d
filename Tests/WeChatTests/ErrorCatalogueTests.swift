import Federation
import Testing

@testable import WeChat

@Suite("The catalogue of errcodes")
struct ErrorCatalogueTests {
  /// Section 8 of the contract, row by row.
  static let contract: [(code: String, status: Int, errcodes: [Int])] = [
    ("wechat_code_invalid", 400, [40029, 40163, 42003]),
    ("wechat_user_blocked", 403, [40226]),
    ("rate_limited", 429, [45011, 45009]),
    (
      "wechat_credentials_rejected", 502,
      [40001, 40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50002, 50004, 50007, 61003]
        + Array(89501...89507)
    ),
    ("wechat_unavailable", 503, [-1]),
  ]

  @Test("every errcode the contract names gets its word and status", arguments: contract)
  func named(row: (code: String, status: Int, errcodes: [Int])) {
    for errcode in row.errcodes {
      let failure = ProviderFailure(errcode: errcode, errmsg: "", proof: .appToken)
      #expect(failure.code == row.code, "\(errcode)")
      #expect(failure.status == row.status, "\(errcode)")
      #expect(failure.errcode == errcode)
    }
  }

  @Test("an address that the administrator refused is not tried again before WeChat asks again")
  func refusedAddress() {
    #expect(ProviderFailure(errcode: 89506, errmsg: "", proof: .secret).retryAfter == 86_400)
    #expect(ProviderFailure(errcode: 89507, errmsg: "", proof: .secret).retryAfter == 3600)
  }

  @Test("every other errcode, known or not, is wechat_error with 502")
  func others() {
    let named = Set(Self.contract.flatMap(\.errcodes))
    let others = ErrorCatalogue.entries.keys.filter { !named.contains($0) } + [1, 99_999, -2, 40_000]
    for errcode in others {
      let failure = ProviderFailure(errcode: errcode, errmsg: "whatever", proof: .appToken)
      #expect(failure.code == "wechat_error", "\(errcode)")
      #expect(failure.status == 502, "\(errcode)")
      #expect(failure.errcode == errcode)
    }
    #expect(ProviderFailure(errcode: 99_999, errmsg: "", proof: .secret).retry == .never)
  }

  @Test("every errcode the protocol's error table lists is in ours")
  func complete() {
    let listed =
      [-1, 40001, 40002, 40003, 40013, 40014, 40029, 40030, 40033, 40035, 40066, 40097, 40125, 40163, 40164, 40226]
      + [
        40243, 41001, 41002, 41003, 41004, 41008, 41009, 42001, 42002, 42003, 42006, 42007, 43001, 43002, 43003, 44002,
      ]
      + [
        45009, 45011, 45033, 47001, 47002, 48001, 48004, 50001, 50002, 50004, 50007, 60011, 60020, 60111, 61003, 61004,
      ]
      + [
        61005, 61006, 61007, 61009, 61010, 61011, 61023, 61024, 87007, 87008, 87009, 89501, 89502, 89503, 89504, 89505,
      ]
      + [89506, 89507, 10003, 10005, 40091, 301002]
    for errcode in listed { #expect(ErrorCatalogue.entries[errcode] != nil, "\(errcode)") }
  }

  @Test("every entry speaks English and Chinese to the caller and to the administrator")
  func texts() {
    func isChinese(_ text: String) -> Bool {
      text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }
    for (errcode, entry) in ErrorCatalogue.entries {
      for text in [entry.meaning, entry.action] {
        #expect(!text.english.isEmpty && !isChinese(text.english), "\(errcode)")
        #expect(isChinese(text.chinese), "\(errcode)")
      }
    }
    for code in ContractCode.allCases {
      #expect(!code.english.isEmpty && !isChinese(code.english) && isChinese(code.chinese))
    }
  }

  @Test("40001 means what the call proved itself with")
  func proofs() {
    #expect(ProviderFailure(errcode: 40001, errmsg: "", proof: .appToken).retry == .refreshToken)
    let secret = ProviderFailure(errcode: 40001, errmsg: "", proof: .secret)
    #expect(secret.retry == .disable)
    #expect(secret.code == "wechat_credentials_rejected")
    let person = ProviderFailure(errcode: 40001, errmsg: "", proof: .userToken)
    #expect(person.retry == .relogin)
    #expect(person.code == "wechat_error")
  }

  @Test("the administrator reads which address WeChat saw, in both languages; the caller does not")
  func address() {
    let errmsg = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 6543abcd-1234abcd-0a1b2c3d"
    let failure = ProviderFailure(errcode: 40164, errmsg: errmsg, proof: .secret)
    #expect(failure.adminHint?.contains("203.0.113.7") == true)
    #expect(failure.adminHintZH?.contains("203.0.113.7") == true)
    #expect(!failure.detail.contains("203") && !failure.detailZH.contains("203"))
  }

  @Test(
    "the request's id is found in every spelling WeChat has used",
    arguments: [
      ("invalid code rid: 6543abcd-1234abcd-0a1b2c3d", "6543abcd-1234abcd-0a1b2c3d"),
      ("invalid code, rid: 6543abcd-1234abcd-0a1b2c3d", "6543abcd-1234abcd-0a1b2c3d"),
      ("invalid code, hints: [ req_id: Xa1_b2 ]", "Xa1_b2"), ("invalid code hint: [Xa1_b2]", "Xa1_b2"),
      ("invalid code", nil),
    ] as [(String, String?)])
  func requestID(errmsg: String, id: String?) {
    #expect(ProviderFailure(errcode: 40029, errmsg: errmsg, proof: .secret).requestID == id)
  }

  @Test("limits and outages say when to come back")
  func retryAfter() {
    #expect(ProviderFailure(errcode: 45011, errmsg: "", proof: .secret).retryAfter == 60)
    #expect(ProviderFailure(errcode: -1, errmsg: "", proof: .secret).retryAfter == 2)
    #expect(ProviderFailure(errcode: 40029, errmsg: "", proof: .secret).retryAfter == nil)
  }
}
