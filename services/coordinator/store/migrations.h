// How the schema came to be: numbered steps, forward only, the same for every database. A step that was released never
// changes; new ones are added at the end.
#ifndef ARPENT_SERVICES_COORDINATOR_STORE_MIGRATIONS_H_
#define ARPENT_SERVICES_COORDINATOR_STORE_MIGRATIONS_H_

#include <string>
#include <vector>

namespace arpent::coordinator {

// The SQL of step 1, 2, ... `blob` is the database's type of byte strings, `text` that of keys compared byte by byte.
std::vector<std::vector<std::string>> Migrations(const std::string& text, const std::string& blob);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_STORE_MIGRATIONS_H_
