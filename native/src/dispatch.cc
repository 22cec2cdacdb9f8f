// Dispatch: any operator of libtorch by name and overload, its arguments converted by its own schema and called boxed, as
// Python's torch.ops does. Autograd, autocast and every device ride along, so nothing here knows a single operator.
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <mutex>
#include <sstream>
#include <unordered_map>

#include "napi.h"

namespace ostinato {
namespace {

using c10::IValue;
using c10::TypeKind;

constexpr size_t kMostOperators = 8192;
std::atomic<c10::OperatorHandle*> operators[kMostOperators];  // never shrinks: an index stays good in every thread
size_t operatorCount = 0;
std::unordered_map<std::string, size_t> operatorIndex;
std::mutex operatorLock;

bool isInteger(double number) { return std::trunc(number) == number && std::fabs(number) < 9007199254740992.0 && !(number == 0 && std::signbit(number)); }

/** JavaScript can't tell 2 from 2.0: whole numbers cross as integers, which leave a floating tensor floating. */
at::Scalar scalarOf(napi_env env, napi_value value) {
  if (typeOf(env, value) == napi_boolean) return at::Scalar(truthOf(env, value));
  const double number = numberOf(env, value);
  return isInteger(number) ? at::Scalar(static_cast<int64_t>(number)) : at::Scalar(number);
}

/** Integers, and the words that libtorch passes as integers: dtypes, memory formats, layouts. */
int64_t integerOrWord(napi_env env, napi_value value) {
  if (typeOf(env, value) != napi_string) return integerOf(env, value);
  const std::string word = stringOf(env, value);
  if (word == "contiguous") return static_cast<int64_t>(at::MemoryFormat::Contiguous);
  if (word == "channels_last") return static_cast<int64_t>(at::MemoryFormat::ChannelsLast);
  if (word == "preserve") return static_cast<int64_t>(at::MemoryFormat::Preserve);
  if (word == "strided") return static_cast<int64_t>(at::Layout::Strided);
  return static_cast<int64_t>(dtypeOf(word));
}

template <typename Item, typename Convert>
c10::List<Item> listOf(napi_env env, napi_value value, c10::optional<int32_t> size, Convert convert) {
  c10::List<Item> list;
  bool isArray = false;
  check(env, napi_is_array(env, value, &isArray));
  if (!isArray) {  // int[2] stride = 1: one number stands for all
    if (typeOf(env, value) == napi_external) throw UsageError("expected an array of tensors, found one tensor");
    for (int32_t i = 0; i < size.value_or(1); i++) list.push_back(convert(value));
    return list;
  }
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length));
  list.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    check(env, napi_get_element(env, value, i, &item));
    list.push_back(convert(item));
  }
  return list;
}

IValue convert(napi_env env, napi_value value, const c10::Type& type, c10::optional<int32_t> size) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return isNothing(env, value) ? IValue(at::Tensor()) : IValue(tensorOf(env, value));
    case TypeKind::OptionalType:
      if (isNothing(env, value)) return IValue();
      return convert(env, value, *type.castRaw<c10::OptionalType>()->getElementType(), size);
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(integerOrWord(env, value));
    case TypeKind::FloatType:
      return IValue(numberOf(env, value));
    case TypeKind::BoolType:
      return IValue(truthOf(env, value));
    case TypeKind::NumberType:
      return IValue(scalarOf(env, value));
    case TypeKind::StringType:
      return IValue(stringOf(env, value));
    case TypeKind::DeviceObjType:
      return IValue(c10::Device(stringOf(env, value)));
    case TypeKind::ListType: {
      const c10::Type& element = *type.castRaw<c10::ListType>()->getElementType();
      switch (element.kind()) {
        case TypeKind::TensorType:
          return IValue(listOf<at::Tensor>(env, value, size, [&](napi_value item) { return tensorOf(env, item); }));
        case TypeKind::IntType:
        case TypeKind::SymIntType:
          return IValue(listOf<int64_t>(env, value, size, [&](napi_value item) { return integerOf(env, item); }));
        case TypeKind::FloatType:
          return IValue(listOf<double>(env, value, size, [&](napi_value item) { return numberOf(env, item); }));
        case TypeKind::BoolType:
          return IValue(listOf<bool>(env, value, size, [&](napi_value item) { return truthOf(env, item); }));
        case TypeKind::NumberType:
          return IValue(listOf<at::Scalar>(env, value, size, [&](napi_value item) { return scalarOf(env, item); }));
        case TypeKind::OptionalType:
          if (element.castRaw<c10::OptionalType>()->getElementType()->kind() == TypeKind::NumberType) {
            return IValue(listOf<c10::optional<at::Scalar>>(env, value, size, [&](napi_value item) {
              return isNothing(env, item) ? c10::optional<at::Scalar>() : c10::optional<at::Scalar>(scalarOf(env, item));
            }));
          }
          return IValue(listOf<c10::optional<at::Tensor>>(env, value, size, [&](napi_value item) {
            return isNothing(env, item) ? c10::optional<at::Tensor>() : c10::optional<at::Tensor>(tensorOf(env, item));
          }));
        default:
          break;
      }
      break;
    }
    default:
      break;
  }
  if (isNothing(env, value)) return IValue();
  throw UsageError("no JavaScript value is known for an argument of type " + type.str());
}

napi_value toJs(napi_env env, const IValue& value) {
  if (value.isTensor()) return wrap(env, value.toTensor());
  if (value.isTensorList()) return wrapAll(env, value.toTensorVector());
  if (value.isInt()) return makeNumber(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return makeNumber(env, value.toDouble());
  if (value.isBool()) return makeBool(env, value.toBool());
  if (value.isScalar()) return makeNumber(env, value.toScalar().toDouble());
  if (value.isString()) return makeString(env, value.toStringRef());
  napi_value nothing;
  check(env, napi_get_null(env, &nothing));
  return nothing;
}

/** The stack of results after the operator ran. */
torch::jit::Stack run(Call& call) {
  napi_env env = call.env;
  const auto index = static_cast<size_t>(numberOf(env, call.at(0)));
  c10::OperatorHandle* op = index < kMostOperators ? operators[index].load(std::memory_order_acquire) : nullptr;
  if (op == nullptr) throw UsageError("no operator has this index");
  call.describeFrom = 1;
  const c10::FunctionSchema& schema = op->schema();
  const auto& arguments = schema.arguments();
  const size_t given = call.count - 1;
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  try {
    if (given > arguments.size()) throw UsageError("takes at most " + std::to_string(arguments.size()) + " arguments, found " + std::to_string(given));
    for (size_t i = 0; i < arguments.size(); i++) {
      const c10::Argument& argument = arguments[i];
      if (i < given && typeOf(env, call.at(i + 1)) != napi_undefined) {
        try {
          stack.push_back(convert(env, call.at(i + 1), *argument.type(), argument.N()));
        } catch (const UsageError& error) {
          throw UsageError("argument " + argument.name() + ": " + error.what());
        }
      } else if (argument.default_value().has_value()) {
        stack.push_back(*argument.default_value());
      } else if (argument.type()->kind() == TypeKind::OptionalType) {
        stack.push_back(IValue());
      } else {
        throw UsageError("argument " + argument.name() + " is missing");
      }
    }
    op->callBoxed(stack);
  } catch (...) {
    call.subject = schema.name() + (schema.overload_name().empty() ? "" : "." + schema.overload_name());
    throw;
  }
  return stack;
}

/** findOperator("aten::add", "Tensor") → its index for `invoke`, or −1 where this libtorch has none. */
ENTRY(findOperator) {
  const std::string name = stringOf(call.env, call.at(0));
  const std::string overload = stringOf(call.env, call.at(1));
  const std::string key = name + "." + overload;
  std::lock_guard<std::mutex> guard(operatorLock);
  const auto known = operatorIndex.find(key);
  if (known != operatorIndex.end()) return makeNumber(call.env, static_cast<double>(known->second));
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found.has_value()) return makeNumber(call.env, -1);
  if (operatorCount == kMostOperators) throw UsageError("too many different operators");
  operators[operatorCount].store(new c10::OperatorHandle(*found), std::memory_order_release);
  operatorIndex.emplace(key, operatorCount);
  return makeNumber(call.env, static_cast<double>(operatorCount++));
}

/** schemaOf(index) → the operator's signature as text. */
ENTRY(schemaOf) {
  const auto index = static_cast<size_t>(numberOf(call.env, call.at(0)));
  c10::OperatorHandle* op = index < kMostOperators ? operators[index].load(std::memory_order_acquire) : nullptr;
  if (op == nullptr) throw UsageError("no operator has this index");
  std::ostringstream text;
  text << op->schema();
  return makeString(call.env, text.str());
}

/** invoke(index, ...arguments) → a tensor, a number, or an array where the operator has several results. */
ENTRY(invoke) {
  const torch::jit::Stack stack = run(call);
  if (stack.size() == 1) return toJs(call.env, stack[0]);
  if (stack.empty()) return nullptr;
  napi_value results;
  check(call.env, napi_create_array_with_length(call.env, stack.size(), &results));
  for (size_t i = 0; i < stack.size(); i++) check(call.env, napi_set_element(call.env, results, static_cast<uint32_t>(i), toJs(call.env, stack[i])));
  return results;
}

/** As invoke, for operators called for their effect: no handle is made for the result. */
ENTRY(perform) {
  run(call);
  return nullptr;
}

}  // namespace

void exposeDispatch(napi_env env, napi_value exports) {
  expose(env, exports, "findOperator", findOperator);
  expose(env, exports, "schemaOf", schemaOf);
  expose(env, exports, "invoke", invoke);
  expose(env, exports, "perform", perform);
}

}  // namespace ostinato
