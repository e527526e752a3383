<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * A request to run one node in Drupal ("execute-node").
 */
final class NodeRequest {

  /**
   * The version of the contract this module speaks.
   */
  public const CONTRACT = 1;

  private function __construct(
    public readonly string $processor,
    public readonly string $nodeTypeId,
    public readonly string $nodeId,
    public readonly string $workflowId,
    public readonly string $runId,
    public readonly string $key,
    public readonly array $parameters,
    public readonly array $inputs,
    public readonly array $config,
    public readonly array $initialData,
    public readonly ?array $resume,
  ) {}

  /**
   * Reads a request body.
   *
   * @throws \Drupal\flowdrop_airflow\Contract\ContractException
   *   The body is no request of this contract.
   */
  public static function fromJson(string $body): self {
    try {
      $data = json_decode($body, TRUE, 256, JSON_THROW_ON_ERROR);
    }
    catch (\JsonException $error) {
      throw new ContractException('The body is no JSON: ' . $error->getMessage() . '.');
    }
    if (!is_array($data) || ($data['contract'] ?? NULL) !== self::CONTRACT) {
      throw new ContractException('The body is no request of contract ' . self::CONTRACT . '.');
    }
    $resume = $data['resume'] ?? NULL;
    if ($resume !== NULL && !is_array($resume)) {
      throw new ContractException('The member "resume" must be an object or null.');
    }
    return new self(
      self::machineName($data, 'processor'),
      self::text($data, 'node_type_id'),
      self::text($data, 'node_id'),
      self::text($data, 'workflow_id'),
      self::text($data, 'run_id'),
      self::key($data),
      self::map($data, 'parameters'),
      self::map($data, 'inputs'),
      self::map($data, 'config'),
      self::map($data, 'initial_data'),
      $resume,
    );
  }

  /**
   * Returns the bare plugin id: the last part of "module:plugin".
   */
  public function pluginId(): string {
    $parts = explode(':', $this->processor);
    return $parts[1] ?? $parts[0];
  }

  /**
   * Returns whether the site lets Airflow run this node.
   *
   * @param string[] $allowed
   *   Processor or node type ids, "*" for all; empty allows none.
   */
  public function allowedBy(array $allowed): bool {
    $names = ['*', $this->processor, $this->pluginId(), $this->nodeTypeId];
    return array_intersect($names, $allowed) !== [];
  }

  private static function text(array $data, string $name): string {
    $value = $data[$name] ?? '';
    if (!is_string($value) || strlen($value) > 512) {
      throw new ContractException(sprintf('The member "%s" must be a text of at most 512 bytes.', $name));
    }
    return $value;
  }

  private static function machineName(array $data, string $name): string {
    $value = self::text($data, $name);
    if (preg_match('/^[A-Za-z0-9_.:-]{1,256}$/D', $value) !== 1) {
      throw new ContractException(sprintf('The member "%s" must be a plugin id.', $name));
    }
    return $value;
  }

  private static function key(array $data): string {
    $value = self::text($data, 'idempotency_key');
    if (preg_match('/^[\x21-\x7e]{8,200}$/D', $value) !== 1) {
      throw new ContractException('The member "idempotency_key" must have 8 to 200 printable characters.');
    }
    return $value;
  }

  private static function map(array $data, string $name): array {
    $value = $data[$name] ?? [];
    if (!is_array($value)) {
      throw new ContractException(sprintf('The member "%s" must be an object.', $name));
    }
    return $value;
  }

}
