#include "common/rpc/site_file.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/parameters.h"
#include "common/base/status.h"
#include "common/rpc/site_rules.h"

namespace arpent::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Fills a message from YAML, by the names of its fields.
class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  absl::Status Read(const YAML::Node& node, const std::string& path, Message* message) {
    if (!node.IsMap()) return Error(node, absl::StrCat(Named(path), ": fields expected, as `name: value`"));
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Error(entry.first, "a key must be a name");
      const std::string& key = entry.first.Scalar();
      const FieldDescriptor* const field = message->GetDescriptor()->FindFieldByName(key);
      const std::string inner = path.empty() ? key : absl::StrCat(path, ".", key);
      if (field == nullptr) return Error(entry.first, absl::StrCat("unknown key '", inner, "'; ", Known(*message)));
      if (!seen.insert(key).second) return Error(entry.first, absl::StrCat("'", inner, "' is given twice"));
      if (entry.second.IsNull()) return Error(entry.first, absl::StrCat("'", inner, "' has no value"));
      ARPENT_RETURN_IF_ERROR(ReadField(entry.second, inner, field, message));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(const YAML::Node& node, const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", node.Mark().line + 1, ": ", what));
  }
  static std::string Named(const std::string& path) { return path.empty() ? "the site" : absl::StrCat("'", path, "'"); }

  static std::string Known(const Message& message) {
    std::vector<std::string> names;
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      names.push_back(message.GetDescriptor()->field(i)->name());
    }
    return absl::StrCat("known here: ", absl::StrJoin(names, ", "));
  }

  absl::Status ReadField(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                         Message* message) {
    if (field->is_map()) return ReadMap(node, path, field, message);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!field->is_repeated()) {
      if (is_message) return Read(node, path, message->GetReflection()->MutableMessage(message, field));
      return ReadScalar(node, path, field, message);
    }
    if (!node.IsSequence()) return Error(node, absl::StrCat("'", path, "': a list expected, as [one, two]"));
    int index = 0;
    for (const YAML::Node& item : node) {
      const std::string inner = absl::StrCat(path, "[", index++, "]");
      ARPENT_RETURN_IF_ERROR(is_message ? Read(item, inner, message->GetReflection()->AddMessage(message, field))
                                        : ReadScalar(item, inner, field, message));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                       Message* message) {
    if (!node.IsMap()) return Error(node, absl::StrCat("'", path, "': names with values expected"));
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
        return Error(entry.first, absl::StrCat("'", path, "': names with values expected"));
      }
      if (!seen.insert(entry.first.Scalar()).second) {
        return Error(entry.first, absl::StrCat("'", path, ".", entry.first.Scalar(), "' is given twice"));
      }
      Message* const pair = message->GetReflection()->AddMessage(message, field);
      const Descriptor* const type = pair->GetDescriptor();
      pair->GetReflection()->SetString(pair, type->map_key(), entry.first.Scalar());
      pair->GetReflection()->SetString(pair, type->map_value(), entry.second.Scalar());
    }
    return absl::OkStatus();
  }

  absl::Status ReadScalar(const YAML::Node& node, const std::string& path, const FieldDescriptor* field,
                          Message* message) {
    if (!node.IsScalar()) return Error(node, absl::StrCat("'", path, "': one value expected"));
    const std::string& text = node.Scalar();
    const auto mistyped = [&](absl::string_view expected) {
      return Error(node, absl::StrCat("'", path, "' is '", text, "': ", expected, " expected"));
    };
    const Reflection& reflection = *message->GetReflection();
    const auto put = [&](auto set, auto add, auto value) {
      field->is_repeated() ? (reflection.*add)(message, field, value) : (reflection.*set)(message, field, value);
      return absl::OkStatus();
    };
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return put(&Reflection::SetString, &Reflection::AddString, text);
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t value;
        if (!absl::SimpleAtoi(text, &value)) return mistyped("a whole number");
        return put(&Reflection::SetInt32, &Reflection::AddInt32, value);
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t value;
        if (!absl::SimpleAtoi(text, &value)) return mistyped("a whole number");
        return put(&Reflection::SetInt64, &Reflection::AddInt64, value);
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value;
        if (!absl::SimpleAtod(text, &value)) return mistyped("a number");
        return put(&Reflection::SetDouble, &Reflection::AddDouble, value);
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        if (text != "true" && text != "false") return mistyped("true or false");
        return put(&Reflection::SetBool, &Reflection::AddBool, text == "true");
      }
      default:
        return mistyped("another kind of value");
    }
  }

  const std::string file_;
};

// Writes a message as YAML, in the order of its fields.
class Writer {
 public:
  std::string Write(const Message& message) {
    WriteMessage(message);
    return std::string(out_.c_str()) + "\n";
  }

 private:
  // Strings and lists are set when they are not empty; plain numbers always have a meaning.
  static bool IsSet(const Message& message, const FieldDescriptor* field) {
    if (field->is_repeated()) return message.GetReflection()->FieldSize(message, field) > 0;
    if (field->has_presence()) return message.GetReflection()->HasField(message, field);
    return field->cpp_type() != FieldDescriptor::CPPTYPE_STRING ||
           !message.GetReflection()->GetString(message, field).empty();
  }

  void WriteMessage(const Message& message) {
    out_ << YAML::BeginMap;
    const Descriptor* const type = message.GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* const field = type->field(i);
      if (!IsSet(message, field)) continue;
      out_ << YAML::Key << field->name() << YAML::Value;
      if (field->is_map()) {
        WriteMap(message, field);
      } else if (field->is_repeated()) {
        WriteList(message, field);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        WriteMessage(message.GetReflection()->GetMessage(message, field));
      } else {
        WriteScalar(message, field);
      }
    }
    out_ << YAML::EndMap;
  }

  void WriteMap(const Message& message, const FieldDescriptor* field) {
    std::map<std::string, std::string> sorted;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
      const Message& pair = message.GetReflection()->GetRepeatedMessage(message, field, i);
      const Descriptor* const type = pair.GetDescriptor();
      sorted[pair.GetReflection()->GetString(pair, type->map_key())] =
          pair.GetReflection()->GetString(pair, type->map_value());
    }
    out_ << sorted;
  }

  void WriteList(const Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message) out_ << YAML::Flow;
    out_ << YAML::BeginSeq;
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (is_message) {
        WriteMessage(reflection.GetRepeatedMessage(message, field, i));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        out_ << reflection.GetRepeatedString(message, field, i);
      } else {
        out_ << reflection.GetRepeatedInt32(message, field, i);
      }
    }
    out_ << YAML::EndSeq;
  }

  void WriteScalar(const Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        out_ << reflection.GetInt32(message, field);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        out_ << reflection.GetInt64(message, field);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        out_ << CanonicalNumber(reflection.GetDouble(message, field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ << reflection.GetBool(message, field);
        break;
      default:
        out_ << reflection.GetString(message, field);
    }
  }

  YAML::Emitter out_;
};

}  // namespace

absl::StatusOr<arpent::site::v1::Site> ParseSiteYaml(const std::string& yaml, const std::string& file) {
  try {
    arpent::site::v1::Site site;
    ARPENT_RETURN_IF_ERROR(Reader(file).Read(YAML::Load(yaml), "", &site));
    return site;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::StatusOr<arpent::site::v1::Site> ReadSiteFile(const std::string& path) {
  std::ifstream in(path);
  if (!in) return ErrnoStatus(errno, path);
  std::stringstream bytes;
  bytes << in.rdbuf();
  ARPENT_ASSIGN_OR_RETURN(arpent::site::v1::Site site, ParseSiteYaml(bytes.str(), path));
  ARPENT_RETURN_IF_ERROR(Annotate(ValidateSite(site), path));
  return site;
}

std::string SiteToYaml(const arpent::site::v1::Site& site) { return Writer().Write(site); }

}  // namespace arpent::rpc
