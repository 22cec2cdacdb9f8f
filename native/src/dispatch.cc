// Dispatch: calls any operator of libtorch by name and overload. Arguments are converted according to the operator's schema and the call
// is boxed, as with Python's torch.ops, so that autograd, autocast and every device work without code for any operator here.
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

constexpr size_t kMaxOperators = 8192;
std::atomic<c10::OperatorHandle*> operators[kMaxOperators];  // entries are never removed: an index stays valid in every thread
size_t operatorCount = 0;
std::unordered_map<std::string, size_t> operatorIndex;
std::mutex operatorLock;

/** Whether an int64 holds the number exactly. Minus zero is none. */
bool isInteger(double number) { return std::trunc(number) == number && std::fabs(number) < 9007199254740992.0 && !(number == 0 && std::signbit(number)); }

/** JavaScript has one type of number: integers become integer scalars, which never change the dtype of a floating-point tensor. */
at::Scalar scalarOf(napi_env env, napi_value value) {
  if (typeOf(env, value) == napi_boolean) return at::Scalar(truthOf(env, value));
  const double number = numberOf(env, value);
  return isInteger(number) ? at::Scalar(static_cast<int64_t>(number)) : at::Scalar(number);
}

/** An integer, or the name of a dtype, memory format or layout, which libtorch passes as integers. */
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
  if (!isArray) {  // for a type like int[2], one number stands for all
    if (typeOf(env, value) == napi_external) throw UsageError("expected an array of tensors, found one tensor");
    for (int32_t i = 0; i < size.value_or(1); i++) list.push_back(convert(value));
    return list;
  }
  forEach(env, value, [&](napi_value item) { list.push_back(convert(item)); });
  return list;
}

[[noreturn]] void unsupported(const c10::Type& type) { throw UsageError("no JavaScript value is known for an argument of type " + type.str()); }

/** An array as a list of `element`; `size` is that of a type like int[2]. */
IValue convertList(napi_env env, napi_value value, const c10::Type& element, c10::optional<int32_t> size) {
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
      unsupported(element);
  }
}

/** A JavaScript value as an argument of the schema's type. */
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
    case TypeKind::ListType:
      return convertList(env, value, *type.castRaw<c10::ListType>()->getElementType(), size);
    default:
      if (isNothing(env, value)) return IValue();
      unsupported(type);
  }
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

/** The operator at an index that findOperator returned. */
c10::OperatorHandle& operatorAt(napi_env env, napi_value value) {
  const int64_t index = integerOf(env, value);
  const bool inRange = index >= 0 && index < static_cast<int64_t>(kMaxOperators);
  c10::OperatorHandle* op = inRange ? operators[index].load(std::memory_order_acquire) : nullptr;
  if (op == nullptr) throw UsageError("no operator has this index");
  return *op;
}

/** The arguments of a call behind the operator's index, in the order of the schema, with defaults for those left out. */
torch::jit::Stack argumentsOf(const Call& call, const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  const size_t given = call.count - 1;
  if (given > arguments.size()) throw UsageError("takes at most " + std::to_string(arguments.size()) + " arguments, found " + std::to_string(given));
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  for (size_t i = 0; i < arguments.size(); i++) {
    const c10::Argument& argument = arguments[i];
    if (i < given && typeOf(call.env, call.at(i + 1)) != napi_undefined) {
      try {
        stack.push_back(convert(call.env, call.at(i + 1), *argument.type(), argument.N()));
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
  return stack;
}

/** Runs the operator of a call and returns the stack of its results. */
torch::jit::Stack run(Call& call) {
  const c10::OperatorHandle& op = operatorAt(call.env, call.at(0));
  const c10::FunctionSchema& schema = op.schema();
  call.describeFrom = 1;
  try {
    torch::jit::Stack stack = argumentsOf(call, schema);
    op.callBoxed(stack);
    return stack;
  } catch (...) {
    call.subject = schema.name() + (schema.overload_name().empty() ? "" : "." + schema.overload_name());
    throw;
  }
}

/** findOperator("aten::add", "Tensor") → the operator's index for `invoke`, or −1 where this libtorch has none. */
ENTRY(findOperator) {
  const std::string name = stringOf(call.env, call.at(0));
  const std::string overload = stringOf(call.env, call.at(1));
  const std::string key = name + "." + overload;
  std::lock_guard<std::mutex> guard(operatorLock);
  const auto known = operatorIndex.find(key);
  if (known != operatorIndex.end()) return makeNumber(call.env, static_cast<double>(known->second));
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found.has_value()) return makeNumber(call.env, -1);
  if (operatorCount == kMaxOperators) throw UsageError("too many different operators");
  operators[operatorCount].store(new c10::OperatorHandle(*found), std::memory_order_release);
  operatorIndex.emplace(key, operatorCount);
  return makeNumber(call.env, static_cast<double>(operatorCount++));
}

/** hasKernel(index, device) → whether the operator is implemented for a device. libtorch declares some operators for all devices and
 *  implements them for one. */
ENTRY(hasKernel) {
  const auto key = at::TensorOptions().device(c10::Device(stringOf(call.env, call.at(1)))).computeDispatchKey();
  return makeBool(call.env, operatorAt(call.env, call.at(0)).hasComputedKernelForDispatchKey(key));
}

/** schemaOf(index) → the operator's signature as text. */
ENTRY(schemaOf) {
  std::ostringstream text;
  text << operatorAt(call.env, call.at(0)).schema();
  return makeString(call.env, text.str());
}

/** invoke(index, ...arguments) → a tensor, a number, or an array where the operator has several results. */
ENTRY(invoke) {
  const torch::jit::Stack stack = run(call);
  if (stack.empty()) return nullptr;
  if (stack.size() == 1) return toJs(call.env, stack[0]);
  return makeArray(call.env, stack.size(), [&](size_t i) { return toJs(call.env, stack[i]); });
}

/** As invoke, without results: for operators that work in place. */
ENTRY(perform) {
  run(call);
  return nullptr;
}

}  // namespace

void exposeDispatch(napi_env env, napi_value exports) {
  expose(env, exports, "findOperator", findOperator);
  expose(env, exports, "hasKernel", hasKernel);
  expose(env, exports, "schemaOf", schemaOf);
  expose(env, exports, "invoke", invoke);
  expose(env, exports, "perform", perform);
}

}  // namespace ostinato
