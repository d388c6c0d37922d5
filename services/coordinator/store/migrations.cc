#include "services/coordinator/store/migrations.h"

#include "absl/strings/str_cat.h"

namespace arpent::coordinator {

std::vector<std::vector<std::string>> Migrations(const std::string& text, const std::string& blob) {
  const auto make = [&](const char* table) {
    return absl::StrCat("CREATE TABLE ", table, " (key ", text, " PRIMARY KEY, value ", blob, " NOT NULL)");
  };
  std::vector<std::string> first;
  for (const char* const table :
       {"sites", "runs", "cells", "discoveries", "tasks", "products", "skips", "counters"}) {
    first.push_back(make(table));
  }
  return {first, {make("current_products")}, {make("costs")}};
}

}  // namespace arpent::coordinator
