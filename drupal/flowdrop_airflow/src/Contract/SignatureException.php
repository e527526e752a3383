<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * A request is not signed, not by a known secret, or not from now.
 */
final class SignatureException extends \RuntimeException {

  public function __construct(public readonly string $reason, string $message) {
    parent::__construct($message);
  }

}
