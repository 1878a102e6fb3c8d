import Hummingbird
import Identity
import Query

extension Problem {
  /// The answer to a management call that was refused; `nil` for what is a fault of ours.
  init?(_ refusal: ManagementRefusal) {
    switch refusal {
    case .notFound: self = .notFound
    case .stale: self = .preconditionFailed
    case .conflict(let code, let detail): self = .conflict(code, detail)
    case .invalid(let field, let detail): self = .invalid("/\(field)", detail)
    case .faulty(let faults): self = .invalid(faults.map { FieldFault("/\($0.field)", $0.detail) })
    case .scopeExceeded(let scope): self = .scopeMissing(scope)
    case .provider(let failure): self.init(failure)
    case .broken, .database: return nil
    }
  }
}

extension ManagementRefusal {
  /// The fault of ours in it, for the log.
  var fault: IdentityFault? {
    switch self {
    case .database(let error): .database(error)
    case .broken(let what): .sealedValue(what)
    default: nil
    }
  }
}
