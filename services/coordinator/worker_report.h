// What a worker reports, made fit to be kept and shown: a worker that is wrong, or taken over, must not fill the state, hide a
// run's ledger from its clients or stop who reads all products.
#ifndef ARPENT_SERVICES_COORDINATOR_WORKER_REPORT_H_
#define ARPENT_SERVICES_COORDINATOR_WORKER_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "arpent/run/v1/run.pb.h"
#include "arpent/worker/v1/worker_service.pb.h"

namespace arpent::coordinator {

// INVALID_ARGUMENT naming the field when the caller says nothing or too much of itself.
absl::Status CheckCaller(const worker::v1::SynchronizeRequest& request);

// INTERNAL unless it is the product of the key, at a place of the store `output`.
absl::Status CheckProduct(const std::string& key, const worker::v1::TaskDone& done);

// At most 4 KB of a sentence, whole characters.
std::string Clipped(const std::string& sentence);

// 0..1.
double Fraction(double done_fraction);

// Adds the seconds of an attempt to a cell's, of the kinds that there are.
void AddUsage(const worker::v1::TaskUsage& usage, run::v1::Cell* cell);

}  // namespace arpent::coordinator

#endif  // ARPENT_SERVICES_COORDINATOR_WORKER_REPORT_H_
