<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * A request breaks the contract; the message says where.
 */
final class ContractException extends \InvalidArgumentException {

}
